"""Weights for dimo that may be used for anything: `dimo generate ... --model open`, `DiMo.from_pretrained("open")`."""
