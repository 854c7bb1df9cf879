package model

import (
	"bytes"
	"io/fs"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/kernel"
)

// peftPrefix is what PEFT's names of tensors begin with.
const peftPrefix = "base_model.model."

// openPEFT reads an adapter of PEFT.
func (f *fitting) openPEFT(dir fs.FS, data []byte) error {
	c, err := parsePEFT(data)
	if err != nil {
		return err
	}
	if err := f.openWeights(dir, peftWeightsFile); err != nil {
		return err
	}
	f.list(func(stored string) (string, bool) { return strings.CutPrefix(stored, peftPrefix) })
	f.a.format = "PEFT LoRA"
	if c.DoRA {
		f.a.format = "PEFT DoRA"
	}
	p := &peftFitting{fitting: f, c: c, tied: f.e.config.TieWordEmbeddings && c.EnsureTying}
	p.respell()
	p.checkNames()
	p.baseTables()
	p.savedModules()
	p.savedCopies()
	p.biases()
	if p.targeted(architecture.EmbedTokens) {
		p.embedding()
	}
	for _, s := range f.e.sites() {
		if p.targeted(s.path) {
			p.linear(s)
		}
	}
	if f.e.config.PerLayerInput > 0 && p.targeted(architecture.EmbedTokensPerLayer) {
		f.fault("target_modules names %s: LoRA on the embedding of the layers is not supported", architecture.EmbedTokensPerLayer)
	}
	p.tokens()
	return c.failed
}

// peftFitting fits an adapter of PEFT.
type peftFitting struct {
	*fitting
	c    *peftConfig
	tied bool // PEFT ties what it changes of embedding and output layer

	trained []float32 // rows of the tokens of the table that was last read
}

// isTable says whether a module is the embedding or the output layer.
func isTable(path string) bool {
	return path == architecture.EmbedTokens || path == architecture.LMHead
}

// targeted reports whether a module of the base is adapted.
func (p *peftFitting) targeted(path string) bool {
	of := func(path string) bool {
		_, linear := p.sites[path]
		return p.c.targets(p.spelling.Path(path), linear && path != architecture.LMHead)
	}
	if p.tied && isTable(path) {
		return of(architecture.EmbedTokens) || of(architecture.LMHead)
	}
	return of(path)
}

// isSaved reports whether a module is replaced as a whole, with the path of the
// module that modules_to_save names.
func (p *peftFitting) isSaved(path string) (module string, ok bool) {
	module, ok = p.c.saved(p.spelling.Path(path))
	if !ok && p.tied && isTable(path) {
		_, embed := p.c.saved(p.spelling.Path(architecture.EmbedTokens))
		_, head := p.c.saved(p.spelling.Path(architecture.LMHead))
		return p.spelling.Path(path), embed || head
	}
	return module, ok
}

// respell finds the spelling that the configuration has, where it is not that of
// the tensors: in some files one of the two was converted.
func (p *peftFitting) respell() {
	was := p.spelling
	for _, s := range slices.Concat([]architecture.Spelling{was}, architecture.Spellings()) {
		p.spelling = s
		for path := range p.sites {
			if p.targeted(path) {
				return
			}
		}
		if p.targeted(architecture.EmbedTokens) {
			return
		}
	}
	p.spelling = was
}

// checkNames reports what the configuration names and the base does not have:
// the adapter was then made for another model.
func (p *peftFitting) checkNames() {
	cfg := p.e.config
	paths := []string{architecture.EmbedTokens}
	for path := range p.sites {
		paths = append(paths, path)
	}
	if cfg.PerLayerInput > 0 {
		paths = append(paths, architecture.EmbedTokensPerLayer)
	}
	for _, name := range p.c.Target.suffixes {
		one := moduleFilter{suffixes: []string{name}}
		found := slices.ContainsFunc(paths, func(path string) bool { return one.matches(p.spelling.Path(path)) }) || p.namesBeyondText(one)
		if !found {
			p.fault("target_modules names %.60q: this model has no such linear layer", name)
		}
	}
	for _, name := range p.c.ModulesToSave {
		one := peftConfig{ModulesToSave: []string{name}}
		found := slices.ContainsFunc(p.specs(), func(spec architecture.TensorSpec) bool {
			_, ok := one.saved(p.spelling.Path(moduleOf(spec.Name)))
			return ok
		})
		if !found {
			p.fault("modules_to_save names %.60q: this model has no such module", name)
		}
	}
	for _, layer := range p.c.Layers {
		if layer < 0 || layer >= cfg.NumHiddenLayers {
			p.fault("layers_to_transform names layer %d: this model has %d, from 0", layer, cfg.NumHiddenLayers)
		}
	}
}

// namesBeyondText reports whether a name is of a part that sees or hears, of
// which the file has tensors.
func (p *peftFitting) namesBeyondText(one moduleFilter) bool {
	return p.a.skipped > 0 && slices.ContainsFunc(p.source.Names(), func(stored string) bool {
		name := strings.TrimPrefix(stored, peftPrefix)
		module, _, _ := strings.Cut(name, ".lora_")
		return p.e.config.BeyondText(name) && one.matches(module)
	})
}

// baseTables puts embedding and output layer as the file has them in the place
// of the base's. PEFT saves them beside LoRA on them and after they were resized,
// and loads them into the base; where the two are tied, into both.
func (p *peftFitting) baseTables() {
	var last *kernel.Matrix
	from := ""
	cfg := p.e.config
	for _, path := range []string{architecture.EmbedTokens, architecture.LMHead} {
		if _, saved := p.isSaved(path); saved {
			continue
		}
		for _, kind := range []string{".weight", ".base_layer.weight", ".token_adapter.base_layer.weight"} {
			if !p.has(path + kind) {
				continue
			}
			stored := p.stored[path+kind]
			m := p.matrix(path+kind, cfg.VocabSize, cfg.HiddenSize)
			if m == nil {
				continue
			}
			last, from = m, stored
			if !cfg.TieWordEmbeddings {
				p.setTable(path, m, stored)
			}
		}
	}
	if cfg.TieWordEmbeddings && last != nil {
		for _, path := range []string{architecture.EmbedTokens, architecture.LMHead} {
			if _, saved := p.isSaved(path); !saved {
				p.setTable(path, last, from)
			}
		}
	}
}

// setTable is for a table that may be the base's, as it mostly is.
func (f *fitting) setTable(path string, m *kernel.Matrix, stored string) {
	head := f.sites[architecture.LMHead]
	base := f.e.decoder.embed
	if path == architecture.LMHead {
		base = head.weight
	}
	if equalMatrices(m, base) {
		return
	}
	if path == architecture.LMHead {
		f.change(head).weight = m
	} else {
		f.embed().weight = m
	}
	f.origin(path).weight = stored
}

// equalMatrices compares values.
func equalMatrices(a, b *kernel.Matrix) bool {
	x, y := make([]float32, a.Cols()), make([]float32, b.Cols())
	for i := range a.Rows() {
		a.Row(i, x)
		b.Row(i, y)
		if !slices.Equal(x, y) {
			return false
		}
	}
	return true
}

// savedModules replaces the modules of modules_to_save.
func (p *peftFitting) savedModules() {
	if len(p.c.ModulesToSave) == 0 {
		return
	}
	for _, spec := range p.specs() {
		path := moduleOf(spec.Name)
		module, ok := p.isSaved(path)
		if !ok {
			continue
		}
		if p.targeted(path) {
			p.fault("%s is both in target_modules and in modules_to_save", path)
			continue
		}
		name := spec.Name
		rest := strings.TrimPrefix(p.spelling.Path(spec.Name), module+".")
		if older := architecture.Canonical(module + ".modules_to_save." + rest); !p.has(name) && p.has(older) {
			name = older
		}
		if path == architecture.LMHead && p.tied && !p.has(name) && p.a.embed != nil {
			p.change(p.sites[path]).weight = p.a.embed.weight
			p.origin(path).weight = p.origin(architecture.EmbedTokens).weight
			continue
		}
		p.replace(spec, name)
	}
}

// savedCopies leaves out what PEFT stores twice of modules_to_save where bias is
// all: the biases under the names that they have in its memory, and those of the
// base, which nothing reaches.
func (p *peftFitting) savedCopies() {
	if p.c.Bias != "all" {
		return
	}
	for _, name := range sortedKeys(p.stored) {
		module, rest, ok := strings.Cut(name, ".modules_to_save.")
		if !ok {
			if module, _, ok = strings.Cut(name, ".original_module."); ok && strings.HasSuffix(name, ".bias") && p.isWithin(module) {
				delete(p.stored, name)
			}
			continue
		}
		if !strings.HasSuffix(rest, "bias") || !p.isWithin(module) {
			continue
		}
		used := peftPrefix + p.spelling.Path(module) + "." + strings.TrimPrefix(rest, "default.")
		one, err1 := p.source.Tensor(used)
		other, err2 := p.source.Tensor(p.stored[name])
		if err1 == nil && err2 == nil && one.DType == other.DType && bytes.Equal(one.Data, other.Data) {
			delete(p.stored, name)
		}
	}
}

// isWithin reports whether a path is of a module that modules_to_save names.
func (p *peftFitting) isWithin(path string) bool { _, ok := p.isSaved(path); return ok }

// biases replaces the biases of the base that were trained.
func (p *peftFitting) biases() {
	if p.c.Bias == "none" {
		return
	}
	for _, s := range p.e.sites() {
		targeted := p.targeted(s.path)
		_, saved := p.isSaved(s.path)
		if s.bias == nil || saved || p.c.Bias == "lora_only" && !targeted {
			continue
		}
		name := s.path + ".bias"
		if inner := s.path + ".base_layer.bias"; targeted && (p.has(inner) || !p.has(name)) {
			name = inner
		}
		p.replace(architecture.TensorSpec{Name: s.path + ".bias", Shape: []int{s.out}}, name)
	}
}

// linear adapts a linear layer.
func (p *peftFitting) linear(s site) {
	rank, scale := p.c.scale(p.spelling.Path(s.path))
	a, b := s.path+".lora_A.weight", s.path+".lora_B.weight"
	if !p.has(a) && !p.has(b) {
		if s.path == architecture.LMHead && p.tied {
			p.tieHead(scale)
			return
		}
		p.fault("%s is targeted and has no tensors", s.path)
		return
	}
	if s.path == architecture.LMHead && p.tied && p.a.embed != nil && p.a.embed.a != nil {
		rank = p.a.embed.a.Cols() // PEFT ties the factors, and leaves the scale
	}
	o := p.lowRank(s, a, b, rank, scale, false, nil)
	if p.c.DoRA {
		p.dora(s, p.magnitude(s.path))
	}
	if !p.c.LoRABias {
		return
	}
	stored := p.stored[s.path+".lora_B.bias"]
	add := p.values(s.path+".lora_B.bias", s.out)
	if o == nil || add == nil {
		return
	}
	o.addBias = stored
	u := p.change(s)
	base := u.bias
	if base == nil {
		base = s.bias
	}
	u.bias = make([]float32, s.out)
	for i := range u.bias {
		sum := scale * float64(add[i])
		if base != nil {
			sum += float64(base[i])
		}
		u.bias[i] = float32(sum)
	}
}

// magnitude is the name of a module's vector of DoRA.
func (p *peftFitting) magnitude(path string) string {
	if name := path + ".lora_magnitude_vector.weight"; p.has(name) {
		return name
	}
	return path + ".lora_magnitude_vector"
}

// dora reads DoRA's magnitudes of a linear layer.
func (f *fitting) dora(s site, name string) {
	stored := f.stored[name]
	m := f.values(name, s.out)
	u := *s.of(f.a)
	if m == nil || u == nil || u.low == nil {
		return
	}
	weight := s.weight
	if u.weight != nil {
		weight = u.weight
	}
	zero := 0
	if u.gain, zero = f.e.rowGains(weight, u.low, m); zero >= 0 {
		f.fault("%s: row %d of W + scale·B·A is zero, or too small for its magnitude", s.path, zero)
	}
	f.origin(s.path).magnitude = stored
}

// embedding adapts the embedding.
func (p *peftFitting) embedding() {
	path := architecture.EmbedTokens
	a, b := path+".lora_embedding_A", path+".lora_embedding_B"
	if !p.has(a) && !p.has(b) {
		p.fault("%s is targeted and has no tensors", path)
		return
	}
	if p.c.LoRABias {
		p.fault("%s is targeted, and lora_bias is not supported on an embedding, by PEFT neither", path)
	}
	rank, scale := p.c.scale(p.spelling.Path(path))
	o := p.lowRankEmbedding(a, b, rank, scale, false, false)
	if !p.c.DoRA {
		return
	}
	name := p.magnitude(path)
	stored := p.stored[name]
	m := p.values(name, p.e.config.HiddenSize)
	if o == nil || m == nil {
		return
	}
	o.magnitude = stored
	u := p.embed()
	weight := u.weight
	if weight == nil {
		weight = p.e.decoder.embed
	}
	zero := 0
	if u.gain, zero = p.e.columnGains(weight, p.turnedEmbedding(), m); zero >= 0 {
		p.fault("%s: column %d of W + scale·B·A is zero, or too small for its magnitude", path, zero)
	}
}

// turnedEmbedding is the low-rank part of the embedding as that of a linear layer
// from the hidden size to the tokens, such as a tied output layer.
func (f *fitting) turnedEmbedding() *lowRank {
	u := f.a.embed
	d, rank := u.b.Rows(), u.b.Cols()
	b := make([]float32, d*rank)
	for i := range d {
		u.b.Row(i, b[i*rank:(i+1)*rank])
	}
	return &lowRank{a: kernel.PackExact(rank, d, transpose(b, d, rank)), b: u.a, rank: rank, scale: u.scale}
}

// tieHead gives a tied output layer the low-rank part of the embedding.
func (p *peftFitting) tieHead(scale float64) {
	if p.a.embed == nil || p.a.embed.a == nil {
		return // reported
	}
	head, from, to := p.sites[architecture.LMHead], p.origin(architecture.EmbedTokens), p.origin(architecture.LMHead)
	low := p.turnedEmbedding()
	low.scale = scale
	p.change(head).low = low
	to.a, to.b, to.turnedA, to.turnedB, to.scale = from.b, from.a, true, true, scale
	if p.c.DoRA {
		p.dora(head, p.magnitude(head.path))
	}
}

// tokens gives single tokens rows of their own: trainable_token_indices.
func (p *peftFitting) tokens() {
	modules := map[string][]int32{}
	for _, t := range p.c.Tokens {
		found := false
		for _, path := range []string{architecture.EmbedTokens, architecture.LMHead} {
			if strings.HasSuffix(peftPrefix+p.spelling.Path(path), t.module) {
				modules[path], found = t.tokens, true
			}
		}
		if !found {
			p.fault("trainable_token_indices names %.60q: only the embedding and the output layer are supported", t.module)
		}
	}
	embed, hasEmbed := modules[architecture.EmbedTokens]
	head, hasHead := modules[architecture.LMHead]
	if hasEmbed {
		p.tokenRows(architecture.EmbedTokens, architecture.EmbedTokens, embed)
	}
	switch tied := p.e.config.TieWordEmbeddings; {
	case tied && hasEmbed && (!hasHead || p.tied || slices.Equal(embed, head)):
		p.tokenRows(architecture.LMHead, architecture.EmbedTokens, embed)
	case hasHead:
		p.tokenRows(architecture.LMHead, architecture.LMHead, head)
	}
}

// tokenRows gives the tokens of a table the rows that the file has for one.
func (p *peftFitting) tokenRows(path, from string, tokens []int32) {
	cfg := p.e.config
	if _, saved := p.isSaved(path); saved || p.targeted(path) {
		p.fault("%s is in trainable_token_indices and is changed otherwise too", path)
		return
	}
	for i, t := range tokens {
		if t < 0 || int(t) >= cfg.VocabSize || slices.Contains(tokens[:i], t) {
			p.fault("trainable_token_indices of %s names token %d twice, or it is none of the %d tokens", path, t, cfg.VocabSize)
			return
		}
	}
	o := p.origin(path)
	d := cfg.HiddenSize
	name := from + ".token_adapter.trainable_tokens_delta"
	if path == from {
		o.rows, o.tokens = p.stored[name], tokens
		p.trained = p.values(name, len(tokens), d)
	} else {
		o.rows, o.tokens = p.origin(from).rows, tokens
	}
	if p.trained == nil {
		return
	}
	if path == architecture.LMHead {
		p.change(p.sites[path]).rows = &ownRows{outputs: tokens, weight: kernel.PackF32(len(tokens), d, p.trained)}
		return
	}
	u := p.embed()
	u.rows = map[int32][]float32{}
	for i, t := range tokens {
		u.rows[t] = p.trained[i*d : (i+1)*d]
	}
}
