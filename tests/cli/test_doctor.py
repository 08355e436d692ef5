"""dimo doctor: what it finds, and the exit code."""

from dimo.cli import doctor
from dimo.cli.main import main

CPUINFO = """processor\t: 0
model name\t: Some CPU @ 2.00GHz
flags\t\t: fpu avx2 avx512f avx512_bf16 amx_bf16

processor\t: 1
model name\t: Some CPU @ 2.00GHz
flags\t\t: fpu avx2 avx512f avx512_bf16 amx_bf16
"""


def test_cpu_features_are_read_from_cpuinfo(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text(CPUINFO)
    model, flags = doctor.cpu_features(path)
    assert model == "Some CPU @ 2.00GHz"
    assert {"avx2", "amx_bf16"} <= flags
    assert "amx_int8" not in flags


def test_cpu_features_without_cpuinfo(tmp_path):
    model, flags = doctor.cpu_features(tmp_path / "nothing")
    assert model
    assert flags == set()


def test_a_missing_package_is_named_with_the_way_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "installed", lambda name: None if name in ("numpy", "rich") else "1.0")
    (fault,) = doctor.check_packages()
    assert "numpy" in fault
    assert "pip install" in fault
    shown = capsys.readouterr().out
    assert "pip install 'dimo[train]'" in shown
    assert "pip install 'dimo[render]'" not in shown


def test_missing_weights_folder_is_exit_code_1(tmp_path, capsys):
    assert main(["doctor", "--model", str(tmp_path / "none")]) == 1
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "no such weights folder" in shown.out
    assert "torch uses" in shown.out


def test_whole_and_spoiled_weights(tmp_path, capsys):
    from dimo.api import DiMo

    folder = DiMo.debug().save_pretrained(tmp_path / "tiny")
    assert main(["doctor", "--model", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert shown.count(" as in config.json") == 2
    assert "All that generate and caption need is here." in shown

    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert main(["doctor", "--model", str(folder)]) == 1
    shown = capsys.readouterr().out
    assert "NOT as in config.json" in shown
    assert "model.safetensors" in shown.split("MISSING")[1]
