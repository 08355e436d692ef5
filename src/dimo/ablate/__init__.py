"""Comparing choices at a small budget: many short trainings on the same data, each measured in the same way (docs/ablations.md)."""
