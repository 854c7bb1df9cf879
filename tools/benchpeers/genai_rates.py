"""Prefill and decode of OpenVINO GenAI on a GGUF file, as one line of JSON.

genai_rates.py FILE PRECISION THREADS [--no-dynamic-quantization]

Prompts are new random tokens each time, so that its cache of prefixes does not
answer; the first one warms up. Without the last argument its default holds:
activations of weights that are stored in 8 or 4 bits are quantised to 8 bits.
"""
import json
import sys

import numpy as np
import openvino
import openvino_genai

PROMPT, WRITTEN = 512, 24


def main():
    file, precision, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads}
    if "--no-dynamic-quantization" in sys.argv:
        settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = 0
    pipeline = openvino_genai.LLMPipeline(file, "CPU", **settings)
    config = openvino_genai.GenerationConfig()
    config.max_new_tokens, config.ignore_eos, config.do_sample = WRITTEN, True, False
    random = np.random.default_rng()
    for length in (16, PROMPT, PROMPT):
        ids = random.integers(300, 30000, (1, length)).astype(np.int64)
        inputs = openvino_genai.TokenizedInputs(openvino.Tensor(ids), openvino.Tensor(np.ones_like(ids)))
        metrics = pipeline.generate(inputs, config).perf_metrics
    print(json.dumps({
        "prefill": PROMPT / metrics.get_ttft().mean * 1000,
        "decode": 1000 / metrics.get_tpot().mean,
        "version": openvino_genai.__version__,
    }))


main()
