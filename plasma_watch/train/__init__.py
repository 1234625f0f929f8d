"""From a request to a LoRA. Not built yet: a request is checked, and refused with that reason."""
