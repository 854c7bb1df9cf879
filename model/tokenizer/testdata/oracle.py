"""Trains tokenizers with settings drawn at random, and asks the reference
programs what they make of random texts and tokens.

    python oracle.py KIND SEED TOKENIZERS TEXTS CORPUS... >KIND.jsonl.gz

KIND is huggingface (the Rust library, from tokenizer.json), sentencepiece
(from tokenizer.model) or tekken (mistral_common, from tekken.json). The files of
testdata were written with tokenizers 0.23.3, sentencepiece 0.2.3 and
mistral_common 1.13.1. `go test -run TestOracle -oracle
'FOLDER/*.jsonl.gz'` checks files of other seeds.
"""

import base64
import gzip
import io
import json
import random
import sys
import tempfile

kind, seed, tokenizers, texts = sys.argv[1], *map(int, sys.argv[2:5])
rnd = random.Random(seed)
lines = [line.strip() for name in sys.argv[5:] for line in open(name, encoding="utf-8") if line.strip()]
out = gzip.GzipFile(fileobj=sys.stdout.buffer, mode="wb", mtime=0, filename="")


def write(value):
    out.write((json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode())


def one_of(*choices):
    return rnd.choice(choices)


def maybe(p):
    return rnd.random() < p


# Texts

SPACES = " \t\n\r\u00a0\u3000\u200b\u2028\u0085\u000b\u2581"
ODD = "éèüßſİıΣσςǅﬁ½²Ⅷ１가각한字漢ー々の、。क्षी्ั้ำกไا لا\u200d🇫🇷👨\u200d👩\u200d👧👍🏽\ufeff\u00ad©™ﷺ㍿"
WORDS = [" ", "  ", "a", "\n", "\t", "1", "<s>", "</s>", "[MASK]", "▁", "tool", "##", "don't", " .", "!", "é"]
SCRIPTS = [(0x20, 0x7F), (0x300, 0x370), (0x80, 0x3000), (0x3000, 0xD800), (0xE000, 0x10000), (0x10000, 0x20000), (0x20000, 0x110000), (0, 0x20)]


def character():
    k = rnd.random()
    if k < 0.3:
        return chr(rnd.randrange(0x20, 0x7F))
    if k < 0.4:
        return rnd.choice(SPACES)
    if k < 0.6:
        return rnd.choice(ODD)
    return chr(rnd.randrange(*rnd.choice(SCRIPTS)))


def text():
    k = rnd.random()
    if k < 0.4:
        line = rnd.choice(lines)
        at = rnd.randrange(len(line))
        return line[at : at + rnd.randrange(1, 80)]
    if k < 0.7:
        return "".join(character() for _ in range(rnd.randrange(30)))
    if k < 0.85:
        line = list(rnd.choice(lines)[:60])
        for _ in range(rnd.randrange(1, 6)):
            line.insert(rnd.randrange(len(line) + 1), character() * one_of(1, 1, 2, 7))
        return "".join(line)
    return "".join(one_of(*WORDS) for _ in range(rnd.randrange(1, 20)))


def sample(n):
    return [line[:150] for line in rnd.sample(lines, min(n, len(lines)))]


# The Rust library


def huggingface():
    from tokenizers import AddedToken, Regex, Tokenizer
    from tokenizers import decoders as D
    from tokenizers import models as M
    from tokenizers import normalizers as N
    from tokenizers import pre_tokenizers as P
    from tokenizers import processors as R
    from tokenizers import trainers as T

    def some(make, most):
        return [x for x in (make() for _ in range(rnd.randrange(1, most))) if x]

    def normalizer(depth=0):
        def sequence():
            return N.Sequence(some(lambda: normalizer(depth + 1), 4)) if depth < 2 else None

        return one_of(
            lambda: None, lambda: None, N.NFC, N.NFD, N.NFKC, N.NFKD, N.Lowercase, N.StripAccents, N.Nmt, sequence,
            lambda: N.Strip(maybe(0.6), maybe(0.6)),
            lambda: N.Replace(one_of(" ", "a", "``", "é", "  "), one_of("▁", "", "bb", '"')),
            lambda: N.Replace(Regex(one_of(r"\s+", r" {2,}", r"[^\w\s]", r"\p{M}")), one_of(" ", "", "x")),
            lambda: N.Prepend(one_of("▁", " ", "x")),
            lambda: N.BertNormalizer(maybe(0.7), maybe(0.7), one_of(None, True, False), maybe(0.5)),
            lambda: N.ByteLevel() if depth == 0 else None,
            lambda: N.Precompiled(charsmap()) if maybe(0.5) else None,
        )()

    patterns = [
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        r"\d{1,3}", r"\p{L}+|\p{N}+", r"\s", r"[a-z]+(?=[A-Z])|x?",
    ]
    behaviors = ["isolated", "removed", "merged_with_previous", "merged_with_next", "contiguous"]

    def pre_tokenizer(first, depth=0):
        # Where something was put in front of a text the Rust library takes two
        # places for its begin.
        schemes = ["always", "never"] + (["first"] if first else [])

        def sequence():
            return P.Sequence(some(lambda: pre_tokenizer(first, depth + 1), 4)) if depth < 2 else None

        return one_of(
            lambda: None, sequence, sequence, P.Whitespace, P.WhitespaceSplit, P.BertPreTokenizer, P.UnicodeScripts,
            lambda: P.ByteLevel(maybe(0.5), maybe(0.5), maybe(0.5)) if depth == 0 else None,
            lambda: P.Split(Regex(one_of(*patterns)), one_of(*behaviors), maybe(0.3)),
            lambda: P.Split(one_of(" ", "a", "the", "\n", "▁"), one_of(*behaviors), maybe(0.3)),
            lambda: P.Metaspace(one_of("▁", "▁", "_"), one_of(*schemes), maybe(0.7)),
            lambda: P.Metaspace("▁", one_of(*schemes), maybe(0.7)),
            lambda: P.Digits(maybe(0.5)),
            lambda: P.Punctuation(one_of(*behaviors)),
            lambda: P.CharDelimiterSplit(one_of(" ", "e", "-")),
            lambda: P.FixedLength(rnd.randrange(1, 6)),
        )()

    def decoder_step():
        return one_of(
            D.ByteLevel, D.ByteFallback, D.Fuse,
            lambda: D.Strip(one_of(" ", "▁", "e"), rnd.randrange(3), 0),
            lambda: D.Replace(one_of("▁", "a"), " "),
            lambda: D.Metaspace("▁", one_of("always", "never", "first"), True),
            lambda: D.WordPiece("##", maybe(0.5)),
            lambda: D.BPEDecoder("</w>"),
        )()

    def decoder(bytes_):
        if bytes_ and maybe(0.5):
            return D.ByteLevel()
        return one_of(
            lambda: None,
            lambda: D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)]),
            decoder_step,
            lambda: D.Sequence([decoder_step() for _ in range(rnd.randrange(1, 4))]),
        )()

    def post_processor():
        return one_of(
            lambda: None, R.ByteLevel,
            lambda: R.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]),
            lambda: R.BertProcessing(("</s>", 2), ("<s>", 1)),
            lambda: R.RobertaProcessing(("</s>", 2), ("<s>", 1)),
            lambda: R.Sequence([R.ByteLevel(trim_offsets=False), R.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])]),
        )()

    specials = ["<unk>", "<s>", "</s>", "[MASK]"]
    fallback = ["<0x%02X>" % b for b in range(256)]

    def trainable():
        size = rnd.randrange(300, 700)
        common = dict(special_tokens=specials, show_progress=False)
        name = one_of("bytes", "bytes", "characters", "affixes", "unigram", "unigram", "wordpiece", "wordlevel")
        if name == "bytes":
            alphabet = P.ByteLevel.alphabet() if maybe(0.8) else []
            return name, M.BPE(), T.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, **common)
        if name == "characters":
            common["special_tokens"] = specials + (fallback if maybe(0.5) else [])
            unknown = {"unk_token": "<unk>", "fuse_unk": maybe(0.5)} if maybe(0.7) else {}
            return name, M.BPE(**unknown), T.BpeTrainer(vocab_size=size, limit_alphabet=one_of(60, 200), **common)
        if name == "affixes":
            affixes = {"continuing_subword_prefix": one_of("", "##"), "end_of_word_suffix": one_of("", "</w>")}
            affixes = {k: v for k, v in affixes.items() if v}
            return name, M.BPE(unk_token="<unk>", **affixes), T.BpeTrainer(vocab_size=size, **affixes, **common)
        if name == "unigram":
            common["special_tokens"] = specials + (fallback if maybe(0.4) else [])
            return name, M.Unigram(), T.UnigramTrainer(vocab_size=size, unk_token="<unk>", **common)
        if name == "wordpiece":
            longest = one_of(100, 12)
            return name, M.WordPiece(unk_token="<unk>", max_input_chars_per_word=longest), T.WordPieceTrainer(vocab_size=size, **common)
        return name, M.WordLevel(unk_token="<unk>"), T.WordLevelTrainer(vocab_size=size, **common)

    def make():
        name, model, trainer = trainable()
        t = Tokenizer(model)
        n = normalizer()
        if n:
            t.normalizer = n
        p = pre_tokenizer('"Prepend"' not in t.to_str())
        if name == "bytes":
            p = P.Sequence(([p] if p and "ByteLevel" not in str(p) else []) + [P.ByteLevel(maybe(0.3), True, maybe(0.7))])
        if p:
            t.pre_tokenizer = p
        written = json.dumps(json.loads(t.to_str())["pre_tokenizer"])
        if '"first"' in written and written.count("Metaspace") + written.count('add_prefix_space": true') > 1:
            return None
        t.train_from_iterator(sample(200), trainer)
        d, r = decoder(name == "bytes"), post_processor()
        if d:
            t.decoder = d
        if r:
            t.post_processor = r
        for _ in range(rnd.randrange(4)):
            content = one_of("tool", "<x>", "  ", "é", "▁▁", "@-@")
            # Decoding spells a token as the normalizer leaves it; here as the file does.
            normalized = maybe(0.5) and (not n or n.normalize_str(content) == content)
            t.add_tokens([AddedToken(content, lstrip=maybe(0.3), rstrip=maybe(0.3), single_word=maybe(0.3), normalized=normalized)])
        data = json.loads(t.to_str())
        contents = [a["content"] for a in data["added_tokens"]]
        vocab = data["model"]["vocab"]
        if len(vocab) < 4:
            return None
        if isinstance(vocab, list):  # the trainer may learn a special token once more
            learned = [token for token, _ in vocab]
            if len(set(learned)) < len(learned):
                return None
        elif any(vocab.get(a["content"], a["id"]) != a["id"] for a in data["added_tokens"]):
            return None
        ids = {a["id"] for a in data["added_tokens"]}  # a model without that many tokens gives one twice
        if len(set(contents)) < len(contents) or len(ids) < len(contents) or any(
            i in ids and token not in contents for token, i in (vocab.items() if isinstance(vocab, dict) else [(t, i) for i, (t, _) in enumerate(vocab)])
        ):
            return None
        if name in ("characters", "unigram"):
            data["model"]["byte_fallback"] = maybe(0.6)
        if name in ("bytes", "characters"):
            data["model"]["ignore_merges"] = maybe(0.3)
        return data

    done = 0
    while done < tokenizers:
        try:
            data = make()
        except BaseException as err:  # panics of the library, too
            print("training:", str(err)[:100], file=sys.stderr)
            continue
        if not data:
            continue
        done += 1
        write({"tokenizer": data})
        t = Tokenizer.from_str(json.dumps(data))
        for _ in range(texts):
            record = {"text": text()}
            ids = []
            try:
                ids = t.encode(record["text"], add_special_tokens=False).ids
                record |= {"ids": ids, "ids_with_special": t.encode(record["text"]).ids}
            except BaseException as err:
                if "bad split" in str(err):  # two tokens want the same spaces: a fault of the library
                    continue
                record |= {"error": str(err)[:80]}
            write(record)
            if maybe(0.5):
                ids = [rnd.randrange(t.get_vocab_size() + 2) for _ in range(rnd.randrange(1, 12))]
            try:
                decoded, skipped = t.decode(ids, skip_special_tokens=False), t.decode(ids)
            except BaseException:  # Strip and BPEDecoder panic where nothing is left
                continue
            if ids:
                write({"decode": ids, "decoded": decoded, "skipped": skipped})


# SentencePiece


def train_pieces(**settings):
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(settings.pop("lines", None) or sample(1500)), model_writer=model, hard_vocab_limit=False, minloglevel=2, **settings
    )
    return model.getvalue()


rules = []


def charsmap():
    """SentencePiece's rules for translation, which only its trainer hands out."""
    if not rules:
        from sentencepiece import sentencepiece_model_pb2

        proto = sentencepiece_model_pb2.ModelProto()
        proto.ParseFromString(train_pieces(vocab_size=300, lines=lines[:2000]))
        rules.append(proto.normalizer_spec.precompiled_charsmap)
    return rules[0]


def sentencepiece():
    import sentencepiece as library

    def make():
        # The built-in rules have a quarter of a megabyte; few tokenizers get few rules.
        rules = {"normalization_rule_tsv": few_rules()} if maybe(0.5) else {"normalization_rule_name": "identity"}
        if tokenizers > 20 and maybe(0.5):
            rules = {"normalization_rule_name": one_of("nmt_nfkc", "nfkc", "nmt_nfkc_cf")}
        symbols = ["<tool>", "the", "  ", "▁▁", "é", "@-@", "a▁b", "12"]
        return train_pieces(
            vocab_size=rnd.randrange(300, 700),
            model_type=one_of("bpe", "unigram"),
            **rules,
            byte_fallback=maybe(0.6),
            add_dummy_prefix=maybe(0.6),
            remove_extra_whitespaces=maybe(0.4),
            user_defined_symbols=rnd.sample(symbols, rnd.randrange(4)),
            control_symbols=rnd.sample(["<ctl>", "<|im_start|>"], rnd.randrange(3)),
            split_digits=maybe(0.5),
            allow_whitespace_only_pieces=maybe(0.5),
            split_by_whitespace=maybe(0.8),
            treat_whitespace_as_suffix=maybe(0.2),
            character_coverage=one_of(0.98, 1.0),
            bos_id=one_of(1, 1, -1),
            unk_surface=one_of(" \u2047 ", "?"),
        )

    def few_rules():
        pairs = {"é": "e", "ab": "b", "abc": "xyz", "\t": " ", "\n": " ", "ﬁ": "fi", "\u00ad": "", "e\u0301": "e", "  ": "_"}
        pairs = rnd.sample(sorted(pairs.items()), rnd.randrange(1, len(pairs)))
        hexes = lambda s: " ".join("%X" % ord(c) for c in s)
        name = tempfile.NamedTemporaryFile(suffix=".tsv", delete=False).name
        with open(name, "w") as f:
            f.writelines("%s\t%s\n" % (hexes(a), hexes(b)) for a, b in pairs)
        return name

    def control(s):
        return any(c in s for c in ("<ctl>", "<|im_start|>", "<s>", "</s>", "<pad>"))

    done = 0
    while done < tokenizers:
        try:
            data = make()
        except Exception as err:
            print("training:", str(err)[:100], file=sys.stderr)
            continue
        done += 1
        write({"files": {"tokenizer.model": base64.b64encode(data).decode()}})
        p = library.SentencePieceProcessor(model_proto=data)
        for _ in range(texts):
            t = text()
            if control(t):  # which the library does not look for
                continue
            ids = p.encode(t)
            bos = [p.bos_id()] if p.bos_id() >= 0 else []
            write({"text": t, "ids": ids, "ids_with_special": bos + ids})
            if maybe(0.5):
                ids = [rnd.randrange(p.get_piece_size()) for _ in range(rnd.randrange(1, 12))]
            ids = [i for i in ids if not p.is_control(i)]
            if ids:
                write({"decode": ids, "decoded": p.decode(ids), "skipped": p.decode(ids)})


# Mistral's


def tekken():
    import tiktoken._educational
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer

    pattern = (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"
        r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    for _ in range(tokenizers):
        ranks = tiktoken._educational.bpe_train("\n".join(sample(120)), rnd.randrange(300, 500), pattern, visualise=None)
        tokens = sorted(ranks, key=ranks.get)
        tokens = [bytes([b]) for b in range(256)] + [t for t in tokens if len(t) > 1]
        specials = rnd.randrange(4, 40)
        spare = rnd.randrange(5)
        data = {
            "config": {
                "pattern": pattern,
                "num_vocab_tokens": len(tokens),
                "default_vocab_size": len(tokens) - spare + specials,
                "default_num_special_tokens": specials,
                "version": "v3",
            },
            "vocab": [{"rank": i, "token_bytes": base64.b64encode(t).decode(), "token_str": None} for i, t in enumerate(tokens)],
        }
        if maybe(0.6):
            names = ["<unk>", "<s>", "</s>", "[INST]"]
            data["special_tokens"] = [{"rank": i, "token_str": n, "is_control": True} for i, n in enumerate(names)]
            data["config"]["version"] = one_of("v7", "v11", "v13")
        else:
            data["config"]["default_vocab_size"] += 20
            data["config"]["default_num_special_tokens"] = specials + 20
        raw = json.dumps(data).encode()
        with tempfile.NamedTemporaryFile(suffix=".json") as f:
            f.write(raw)
            f.flush()
            t = Tekkenizer.from_file(f.name)
        write({"files": {"tekken.json": base64.b64encode(raw).decode()}})
        for _ in range(texts):
            s = text()
            if "<s>" in s or "</s>" in s:
                continue
            ids = t.encode(s, bos=False, eos=False)
            write({"text": s, "ids": ids, "ids_with_special": t.encode(s, bos=True, eos=False)})
            if maybe(0.5):
                ids = [rnd.randrange(t.num_special_tokens, t.n_words) for _ in range(rnd.randrange(1, 12))]
            if ids:
                write({"decode": ids, "decoded": t.decode(ids), "skipped": t.decode(ids)})


{"huggingface": huggingface, "sentencepiece": sentencepiece, "tekken": tekken}[kind]()
out.close()
