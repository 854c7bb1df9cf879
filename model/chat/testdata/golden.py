"""What transformers makes of conversations.json with published chat templates.

    python golden.py ../../../../shared > golden.tsv

It needs transformers (5.24) with jinja2 (3.1.6). golden.tsv has a line for each
template and in it, for each conversation, the first 12 hexadecimal digits of the
SHA-256 of the prompt, or "error". differs.json, beside it, has what the reference
makes of those vectors whose expected text another implementation made, and which
differs: the digits, or "error".
"""
import datetime
import gzip
import hashlib
import json
import pathlib
import sys

import transformers.utils.chat_template_utils as utils
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast


class Noon(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 11, 25, 12, 0, 0)


utils.datetime = Noon
here = pathlib.Path(__file__).parent
tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token="<s>", eos_token="</s>", pad_token="<pad>")
cases = json.loads((here / "conversations.json").read_text())

shared = pathlib.Path(sys.argv[1])
sources = {p.name: p.read_text() for p in sorted((shared / "vectors/llama_cpp/chat_templates").glob("*.jinja"))}
for p in sorted((shared / "data/tokenizers").glob("*/tokenizer_config.json*")):
    template = json.loads(gzip.open(p).read() if p.suffix == ".gz" else p.read_bytes()).get("chat_template")
    if template is not None:
        sources[p.parent.name] = template
vectors = []
for p in sorted((shared / "vectors/chat/jinja").glob("*_vectors.jsonl.gz")):
    vectors += [json.loads(line) for line in gzip.open(p, "rt")]
for v in vectors:
    if "chat_template" in v:
        sources[v["name"]] = v["chat_template"]

for name, source in sources.items():
    row = [name]
    for case in cases:
        try:
            text = tokenizer.apply_chat_template(
                case["messages"],
                tools=case.get("tools"),
                documents=case.get("documents"),
                chat_template=source,
                add_generation_prompt=case.get("add_generation_prompt", False),
                continue_final_message=case.get("continue_final_message", False),
                tokenize=False,
                **case.get("kwargs", {}),
            )
            row.append(hashlib.sha256(text.encode()).hexdigest()[:12])
        except Exception as e:
            row.append("error")
            print(name, case["name"], type(e).__name__, str(e)[:150], sep="\t", file=sys.stderr)
    print(*row, sep="\t")

differs = {}
for v in vectors:
    if v.get("functions_in_context"):
        continue
    try:
        text = utils._compile_jinja_template(v.get("template") or v["chat_template"]).render(**v.get("context", v.get("data")))
    except Exception:
        text = None
    if text != v.get("expected", v.get("target")):
        differs[v["name"]] = "error" if text is None else hashlib.sha256(text.encode()).hexdigest()[:12]
(here / "differs.json").write_text(json.dumps(differs, ensure_ascii=False, indent=0) + "\n")
