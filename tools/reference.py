"""A model of random weights for a config.json, and transformers' logits of it.

    python tools/reference.py DIR       DIR/config.json -> model.safetensors, tokens.json, golden.safetensors
    lorabench model logits DIR --tokens DIR/tokens.json --out DIR/logits.safetensors
    python tools/reference.py DIR compare

For who adds an architecture or doubts one: make config.json small and odd (docs/adding-an-architecture.md).
Needs torch, transformers and safetensors; nothing of the product does.
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText


def make(folder, seed=1):
    text = (folder / "config.json").read_text()
    config = AutoConfig.from_pretrained(folder)
    auto = AutoModelForImageTextToText if "text_config" in json.loads(text) else AutoModelForCausalLM
    model = auto.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    torch.manual_seed(seed)
    for name, x in model.state_dict().items():
        if name.endswith((".beta", ".eps")):
            continue  # of xIELU: constants
        # Norms multiply by their weight or by one more than it: both are tried by small ones.
        around = x.mean() if x.dim() <= 1 else 0.0
        x.copy_(around + torch.randn(x.shape) * (0.2 if x.dim() <= 1 else 1.3 * x.shape[-1] ** -0.5))
    model.tie_weights()
    model.save_pretrained(folder)
    (folder / "config.json").write_text(text)  # as it was spelled
    vocab = config.get_text_config().vocab_size
    sequences = [torch.randint(4, vocab, (n,)).tolist() for n in (1, 21, 150)]
    (folder / "tokens.json").write_text(json.dumps({"sequences": sequences}))
    with torch.no_grad():
        logits = {f"logits.{i}": model(torch.tensor([s]), use_cache=False).logits[0].contiguous() for i, s in enumerate(sequences)}
    save_file(logits, folder / "golden.safetensors")


def compare(folder):
    want, got = load_file(folder / "golden.safetensors"), load_file(folder / "logits.safetensors")
    worst = max((want[k] - got[k]).abs().max().item() for k in want)
    print(f"largest difference {worst:.2g}, {worst / want['logits.2'].std().item():.2g} of the logits' spread; honest: 5e-5")


if __name__ == "__main__":
    torch.set_num_threads(1)
    directory = pathlib.Path(sys.argv[1])
    compare(directory) if sys.argv[2:] else make(directory)
