"""Which weights are meant by what is said."""

import sys
from pathlib import Path

import pytest
import torch

from dimo import checkpoint
from dimo.api import DiMo
from dimo.cli.main import main
from dimo.errors import WeightsError


@pytest.fixture
def installed(tmp_path, monkeypatch) -> Path:
    """A package of open weights, as pip would install it."""
    package = tmp_path / "site" / "dimo_open"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delitem(sys.modules, "dimo_open", raising=False)
    return package / "weights"


def test_nothing_means_the_packaged_weights(monkeypatch, tmp_path):
    monkeypatch.delenv("DIMO_WEIGHTS", raising=False)
    assert checkpoint.folder_of(None) == checkpoint.shipped_folder()
    monkeypatch.setenv("DIMO_WEIGHTS", str(tmp_path))
    assert checkpoint.folder_of(None) == tmp_path
    assert checkpoint.shipped_folder() != tmp_path


def test_open_means_the_package_and_anything_else_a_folder(installed, tmp_path):
    assert checkpoint.folder_of("open") == checkpoint.folder_of(Path("open")) == installed
    assert checkpoint.folder_of(tmp_path / "open") == tmp_path / "open"
    assert checkpoint.folder_of("runs/model") == Path("runs/model")


def test_a_weights_folder_of_that_name_goes_before_the_package(installed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "open").mkdir()
    assert checkpoint.folder_of("open") == installed  # it holds no weights
    DiMo.debug().save_pretrained(tmp_path / "open")
    assert checkpoint.folder_of("open") == Path("open")


def test_open_weights_are_loaded_by_their_name(installed):
    DiMo.debug(seed=3).save_pretrained(installed)
    assert (
        DiMo.from_pretrained("open", precision="fp32").fingerprint()
        == DiMo.from_pretrained(installed, precision="fp32").fingerprint()
    )


def test_weights_that_are_not_installed_say_how_to_get_them(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(checkpoint, "PACKAGES", {"open": "dimo_nowhere"})
    with pytest.raises(WeightsError, match=r"not installed; make open does it, or pip install \./weights-open"):
        DiMo.from_pretrained("open")
    assert main(["generate", "a person walks", "-o", str(tmp_path / "a.glb"), "--model", "open"]) == 2
    said = capsys.readouterr().err
    assert "not installed" in said
    assert not list(tmp_path.iterdir())


def test_modules_that_a_file_fills_are_not_drawn_first():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    with checkpoint.Undrawn():
        made = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Embedding(5, 2), torch.nn.Conv1d(2, 2, 3))
    assert torch.equal(torch.get_rng_state(), before)
    assert [tuple(p.shape) for p in made.parameters()] == [(4, 3), (4,), (5, 2), (2, 2, 3), (2,)]
    torch.nn.Linear(3, 4)
    assert not torch.equal(torch.get_rng_state(), before)  # outside it everything is as ever
