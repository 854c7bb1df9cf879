#!/usr/bin/env python3
"""Random tiny models with random LoRA configurations, and what PEFT computes with them, against lorabench.

    adapter_cases.py make DIR FIRST COUNT    checkpoints, adapters and PEFT's float32 logits, one folder a seed
    adapter_cases.py compare DIR LORABENCH   how many are right, refused, wrong; the worst difference over the logits' deviation

Needs torch, transformers >= 5 and peft. Where PEFT itself refuses a configuration the case is counted as that. Cases above
1e-4 are mostly ill-conditioned ones: compare both sides with a float64 pass before calling either wrong.
"""
import collections
import json
import os
import random
import subprocess
import sys

os.environ["HF_HUB_OFFLINE"], os.environ["TRANSFORMERS_VERBOSITY"] = "1", "error"
KINDS = ["Llama", "Mistral", "Ministral3", "Qwen2", "Qwen3", "Apertus", "Gemma3Text", "Gemma4Text", "Granite", "Olmo2"]


def model_config(transformers, rng, kind):
    d, heads, kv, hd = rng.choice([(48, 4, 2, 12), (64, 4, 4, 16), (32, 2, 1, 16)])
    c = dict(hidden_size=d, intermediate_size=rng.choice([56, 80]), num_hidden_layers=rng.choice([2, 3]), num_attention_heads=heads,
             num_key_value_heads=kv, head_dim=hd, vocab_size=rng.choice([67, 101]), max_position_embeddings=128,
             tie_word_embeddings=rng.random() < .5, bos_token_id=1, eos_token_id=2, pad_token_id=None)
    if kind in ("Qwen2", "Granite", "Olmo2"):
        del c["head_dim"]
    if kind in ("Llama", "Granite"):
        c.update(attention_bias=rng.random() < .5, mlp_bias=rng.random() < .5)
    layers = ["sliding_attention", "full_attention"] * 2
    if kind == "Mistral":
        c["sliding_window"] = 9
    elif kind == "Gemma3Text":
        c.update(num_hidden_layers=3, sliding_window=7, layer_types=layers[:3], query_pre_attn_scalar=hd)
    elif kind == "Gemma4Text":
        c.update(num_hidden_layers=4, sliding_window=7, num_kv_shared_layers=2, layer_types=layers, global_head_dim=hd,
                 hidden_size_per_layer_input=8, vocab_size_per_layer_input=c["vocab_size"])
    elif kind == "Granite":
        c.update(embedding_multiplier=3.0, logits_scaling=2.0, residual_multiplier=.5, attention_multiplier=.3)
    return getattr(transformers, kind + "Config")(**c)


def some(rng, choices, n):
    return dict(rng.sample(list(choices.items()), n))


def lora_config(rng, kind, cfg):
    linear = ["q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj"]
    linear += [] if kind == "Apertus" else ["gate_proj"]
    linear += ["per_layer_input_gate", "per_layer_projection"] if kind == "Gemma4Text" else []
    n, vocab = cfg.num_hidden_layers, cfg.vocab_size
    o = dict(r=rng.choice([1, 2, 4, 5]), lora_alpha=rng.choice([1, 3, 8, 16]), task_type="CAUSAL_LM",
             use_rslora=rng.random() < .3, use_dora=rng.random() < .35, ensure_weight_tying=rng.random() < .3,
             fan_in_fan_out=rng.random() < .1, bias=rng.choice(["none", "none", "all", "lora_only"]))
    mode = rng.choice(["list", "list", "list", "regex", "all", "paths"])
    if mode == "list":
        o["target_modules"] = rng.sample(linear, rng.randint(1, 4))
        if rng.random() < .3:
            o["layers_to_transform"] = rng.choice([rng.randrange(n), rng.sample(range(n), rng.randint(1, n))])
            o["layers_pattern"] = rng.choice([None, "layers", ["layers"], ["h", "layers"]])
    elif mode == "regex":
        o["target_modules"] = rng.choice([
            r".*\.(q|v)_proj", r"model\.layers\.[01]\.mlp\..*_proj", r"(?!.*layers\.0).*\.(?:q|up)_proj",
            r".*layers\.\d+\.(?:self_attn\.[qo]_proj|mlp\.down_proj)", r".*layers(?=\.1\.).*k_proj|.*\.0\..*o_proj"])
    elif mode == "all":
        o["target_modules"] = "all-linear"
    else:
        o["target_modules"] = ["model.layers.0.self_attn.q_proj", "layers.1.mlp.down_proj"]
    saved, tables = [], rng.random()
    both = rng.choice([["embed_tokens"], ["lm_head"], ["embed_tokens", "lm_head"]])
    if tables < .36 and isinstance(o["target_modules"], list):
        o["target_modules"] += both
    elif .36 <= tables < .66:
        saved += both
    elif .66 <= tables < .85:
        ids = rng.sample(range(vocab), rng.randint(1, 5))
        o["trainable_token_indices"] = rng.choice([
            ids, {"embed_tokens": ids}, {"lm_head": ids}, {"embed_tokens": ids, "lm_head": rng.choice([ids, rng.sample(range(vocab), 2)])}])
    if rng.random() < .3:
        norms = [] if kind in ("Llama", "Mistral", "Ministral3", "Qwen2", "Granite") else ["q_norm"]
        saved.append(rng.choice(["norm", "model.norm", "layers.1.mlp", "self_attn.o_proj", "post_attention_layernorm", "layers.0.self_attn"]
                                + norms + (["act_fn"] if kind == "Apertus" else [])))
    o["modules_to_save"] = saved or None
    o["lora_bias"] = not o["use_dora"] and "embed_tokens" not in str(o["target_modules"]) and rng.random() < .2
    if rng.random() < .35:
        o["rank_pattern"] = some(rng, {"q_proj": 3, "layers.0.self_attn.v_proj": 2, r"layers\.[01]\.mlp\..*": 6, "^model.layers.1": 7,
                                       "^model.layers.1.self_attn.q_proj": 1, "embed_tokens": 2, "lm_head": 3}, 2)
    if rng.random() < .35:
        o["alpha_pattern"] = some(rng, {"proj": 2, "q_proj": 5, ".*down_proj": 7, "layers.1.mlp.up_proj": 3, "embed_tokens": 4, "lm_head": 6}, 2)
    if rng.random() < .2:
        o["exclude_modules"] = rng.choice([["layers.0.self_attn.q_proj"], ["v_proj"], r".*\.1\.mlp\..*"])
    return o


def make_case(d, seed, note):
    import peft
    import torch
    import transformers
    from safetensors.torch import save_file

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng, kind = random.Random(seed), note["kind"]
    cfg = model_config(transformers, rng, kind)
    model = transformers.AutoModelForCausalLM.from_config(cfg)
    for p in model.parameters():
        if p.dim() >= 2:
            p.data.normal_(0, 1.2 / p.shape[1] ** .5)
        else:
            p.data += torch.randn_like(p) * .1
    model.to(rng.choice([torch.float32, torch.bfloat16, torch.float16])).save_pretrained(d + "/model")

    def load():
        return transformers.AutoModelForCausalLM.from_pretrained(d + "/model", dtype=torch.float32, attn_implementation="eager").eval()

    note["lora"] = lora_config(rng, kind, cfg)
    trained = peft.get_peft_model(load(), peft.LoraConfig(**note["lora"]))
    for name, p in trained.named_parameters():
        if p.requires_grad and "lora_" in name and "magnitude" not in name:
            p.data.normal_(0, .3)
        elif p.requires_grad:
            p.data += .2 * torch.randn_like(p)
    trained.save_pretrained(d + "/adapter")
    loaded = peft.PeftModel.from_pretrained(load(), d + "/adapter").eval()
    ids = [[rng.randrange(cfg.vocab_size) for _ in range(rng.randint(3, 20))] for _ in range(2)]
    own = note["lora"].get("trainable_token_indices") or []
    ids.append((own if isinstance(own, list) else sum(own.values(), [])) + ids[0][:3])
    with torch.no_grad():
        save_file({f"logits.{i}": loaded(torch.tensor([s])).logits[0].float().contiguous() for i, s in enumerate(ids)}, d + "/golden.safetensors")
    with open(d + "/tokens.json", "w") as f:
        json.dump({"sequences": ids}, f)


def make(out, first, count):
    for seed in range(int(first), int(first) + int(count)):
        d, note = f"{out}/{seed:06d}", {"kind": KINDS[seed % len(KINDS)]}
        os.makedirs(d, exist_ok=True)
        try:
            make_case(d, seed, note)
        except Exception as e:  # a combination that PEFT has not got
            note["error"] = f"{type(e).__name__}: {e}"
        with open(d + "/note.json", "w") as f:
            json.dump(note, f)


def compare(out, lorabench):
    from safetensors.torch import load_file

    count, worst = collections.Counter(), collections.defaultdict(float)
    for case in sorted(os.listdir(out)):
        d = f"{out}/{case}"
        with open(d + "/note.json") as f:
            note = json.load(f)
        if "error" in note:
            count["refused by PEFT"] += 1
            continue
        run = subprocess.run([lorabench, "model", "logits", d + "/model", "--adapter", f"a={d}/adapter", "--tokens", d + "/tokens.json",
                              "--out", d + "/got.safetensors"], capture_output=True, text=True)
        if run.returncode:
            count["refused"] += 1
            print(case, note, run.stderr.strip()[:400])
            continue
        want, got = load_file(d + "/golden.safetensors"), load_file(d + "/got.safetensors")
        off = max(((want[k] - got[k]).abs().max() / want[k].std()).item() for k in want)
        count["right" if off < 1e-3 else "WRONG"] += 1
        worst[note["kind"]] = max(worst[note["kind"]], off)
        if not off < 1e-3:
            print(case, note, f"difference {off:.3g}")
    print(dict(count), {k: f"{v:.1e}" for k, v in worst.items()})
    return count["refused"] + count["WRONG"]


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in ("make", "compare"):
        sys.exit(__doc__)
    sys.exit({"make": make, "compare": compare}[sys.argv[1]](*sys.argv[2:]))
