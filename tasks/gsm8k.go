package tasks

import (
	"strings"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/tasks/pystr"
)

// Grade-school mathematics in words. Three ways of asking, one dataset.
//
// Source: Cobbe et al. 2021, https://arxiv.org/abs/2110.14168;
// lm_eval/tasks/gsm8k.

const gsm8kSource = "https://arxiv.org/abs/2110.14168, lm_eval/tasks/gsm8k/"

// gsm8kSplit is a split of the configuration "main".
func gsm8kSplit(name string) Split {
	return Split{Dataset: "gsm8k", Name: name, also: []string{"gsm8k/main/" + name}}
}

// gsm8kTask is what the three tasks have in common. The answer is what strict
// cuts out of the text; "exact_match,flexible-extract" takes the last number.
func gsm8kTask(name, file, title, strict, stop, nullFormat string) Definition {
	return Definition{
		Name: name, Version: "3.0", Title: "GSM8K: grade-school mathematics, " + title,
		Source: gsm8kSource + file,
		Scorer: "exact_match",
		Filters: []lorabench.Filter{
			{Name: "strict-match", Pattern: strict, Select: 0},
			{Name: "flexible-extract", Pattern: `(-?[$0-9.,]{2,})|(-?[0-9]+)`, Select: -1},
		},
		Normalize: lorabench.Normalization{
			Delete:     []string{`,`, `\$`, `(?s).*#### `, `\.$`},
			IgnoreCase: true,
		},
		Metrics:    proportions(0.02, exactMatch, exactMatch+",flexible-extract"),
		Evaluation: gsm8kSplit("test"),
		until:      []string{stop, "</s>", "<|im_end|>"},
		maxTokens:  256,
		nulls:      generationNulls(nullFormat, func(t lorabench.Target) string { return gsm8kNumber(t.Answer) }),
	}
}

// gsm8kNumber is what stands behind the last #### of an answer, or the answer.
func gsm8kNumber(answer string) string {
	if i := strings.LastIndex(answer, "####"); i >= 0 {
		answer = answer[i+len("####"):]
	}
	return pystr.Strip(answer)
}

// Chain-of-thought answers end as the examples of Wei et al. do. The last point
// of the pattern is lm-eval's, unescaped: it takes one character, so an answer
// at the very end of the text loses its last digit.
const cotAnswer = `The answer is (-?[0-9.,]+).`

// gsm8k shows five of the training set's questions with their solutions.
func gsm8k() Definition {
	d := gsm8kTask("gsm8k", "gsm8k.yaml", "5 drawn examples", `#### (-?[0-9.,]+)`, "Question:", " #### %s")
	d.NumShots = 5
	shots := gsm8kSplit("train")
	d.Shots = &shots
	d.sampler = drawn
	d.parse = func(r row) (example, error) {
		c := &columns{row: r}
		question, answer := c.text("question"), c.text("answer")
		return example{
			doc: r.doc, question: "Question: " + question + "\nAnswer:", answer: answer,
			target: lorabench.Target{Answer: answer},
		}, c.err
	}
	return d
}

// gsm8kCoT shows the eight worked examples of Wei et al. 2022.
func gsm8kCoT() Definition {
	d := gsm8kTask("gsm8k_cot", "gsm8k-cot.yaml", "8 worked examples", cotAnswer, "Q:", " The answer is %s.")
	d.NumShots = 8
	d.sampler = firstN
	d.examples = chainOfThought()
	d.parse = func(r row) (example, error) {
		c := &columns{row: r}
		question, answer := c.text("question"), c.text("answer")
		return example{
			doc: r.doc, question: "Q: " + question + "\nA:",
			target: lorabench.Target{Answer: gsm8kNumber(answer)},
		}, c.err
	}
	return d
}

// gsm8kCoTZeroShot shows nothing and asks for steps.
func gsm8kCoTZeroShot() Definition {
	d := gsm8kTask("gsm8k_cot_zeroshot", "gsm8k-cot-zeroshot.yaml", "no examples", cotAnswer, "Q:", " The answer is %s.")
	d.sampler = noShots
	d.parse = func(r row) (example, error) {
		c := &columns{row: r}
		question, answer := c.text("question"), c.text("answer")
		return example{
			doc: r.doc, question: "Q: " + question + "\nA: Let's think step by step.",
			target: lorabench.Target{Answer: answer},
		}, c.err
	}
	return d
}

// chainOfThought are the examples of gsm8k_cot.
//
// Source: Wei et al. 2022, "Chain-of-Thought Prompting Elicits Reasoning in
// Large Language Models", table 20, https://arxiv.org/abs/2201.11903, in
// lm-eval's spelling.
func chainOfThought() []example {
	var examples []example
	for _, e := range []struct{ question, answer string }{
		{"There are 15 trees in the grove. Grove workers will plant trees in the grove today. After they are done, there will be 21 trees. How many trees did the grove workers plant today?",
			"There are 15 trees originally. Then there were 21 trees after some more were planted. So there must have been 21 - 15 = 6. The answer is 6."},
		{"If there are 3 cars in the parking lot and 2 more cars arrive, how many cars are in the parking lot?",
			"There are originally 3 cars. 2 more cars arrive. 3 + 2 = 5. The answer is 5."},
		{"Leah had 32 chocolates and her sister had 42. If they ate 35, how many pieces do they have left in total?",
			"Originally, Leah had 32 chocolates. Her sister had 42. So in total they had 32 + 42 = 74. After eating 35, they had 74 - 35 = 39. The answer is 39."},
		{"Jason had 20 lollipops. He gave Denny some lollipops. Now Jason has 12 lollipops. How many lollipops did Jason give to Denny?",
			"Jason started with 20 lollipops. Then he had 12 after giving some to Denny. So he gave Denny 20 - 12 = 8. The answer is 8."},
		{"Shawn has five toys. For Christmas, he got two toys each from his mom and dad. How many toys does he have now?",
			"Shawn started with 5 toys. If he got 2 toys each from his mom and dad, then that is 4 more toys. 5 + 4 = 9. The answer is 9."},
		{"There were nine computers in the server room. Five more computers were installed each day, from monday to thursday. How many computers are now in the server room?",
			"There were originally 9 computers. For each of 4 days, 5 more computers were added. So 5 * 4 = 20 computers were added. 9 + 20 is 29. The answer is 29."},
		{"Michael had 58 golf balls. On tuesday, he lost 23 golf balls. On wednesday, he lost 2 more. How many golf balls did he have at the end of wednesday?",
			"Michael started with 58 golf balls. After losing 23 on tuesday, he had 58 - 23 = 35. After losing 2 more, he had 35 - 2 = 33 golf balls. The answer is 33."},
		{"Olivia has $23. She bought five bagels for $3 each. How much money does she have left?",
			"Olivia had 23 dollars. 5 bagels for 3 dollars each will be 5 x 3 = 15 dollars. So she has 23 - 15 dollars left. 23 - 15 is 8. The answer is 8."},
	} {
		examples = append(examples, example{question: "Q: " + e.question + "\nA:", answer: e.answer})
	}
	return examples
}
