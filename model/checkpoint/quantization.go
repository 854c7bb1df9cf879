package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"
)

// Quantization is what config.json says of how the weights are stored, under
// quantization (MLX) or quantization_config.
type Quantization struct {
	mlx      *mlxForm // of every module that is quantised, if it is MLX
	override map[string]mlxOverride
	fp8      *fp8Form
}

// mlxForm is how MLX stores a quantised module.
//
// Source: nn.quantize and the docs of mx.quantize, https://github.com/ml-explore/mlx.
type mlxForm struct {
	GroupSize, Bits int
	Mode            string // affine, mxfp4, nvfp4 or mxfp8
}

// mlxOverride is what the configuration says of one module.
type mlxOverride struct {
	plain bool // false: it is not quantised
	form  *mlxForm
}

// fp8Form is the form that transformers calls fine-grained FP8, and Ministral 3
// has. Without a block a weight has one scale.
type fp8Form struct {
	block []int // weight_block_size: rows, columns
}

func (f mlxForm) dtype() DType {
	switch f.Mode {
	case "mxfp4":
		return MLXMXFP4
	case "nvfp4":
		return MLXNVFP4
	case "mxfp8":
		return MLXMXFP8
	}
	return map[int]DType{2: Affine2, 3: Affine3, 4: Affine4, 5: Affine5, 6: Affine6, 8: Affine8}[f.Bits]
}

// check refuses what MLX cannot store.
func (f mlxForm) check() error {
	sizes, bits := []int{32, 64, 128}, []int{2, 3, 4, 5, 6, 8}
	switch f.Mode {
	case "affine":
	case "mxfp4":
		sizes, bits = []int{32}, []int{4}
	case "nvfp4":
		sizes, bits = []int{16}, []int{4}
	case "mxfp8":
		sizes, bits = []int{32}, []int{8}
	default:
		return fmt.Errorf("mode %.40q is not known, want affine, mxfp4, nvfp4 or mxfp8", f.Mode)
	}
	if !slices.Contains(sizes, f.GroupSize) {
		return fmt.Errorf("group_size %d with mode %s, want one of %v", f.GroupSize, f.Mode, sizes)
	}
	if !slices.Contains(bits, f.Bits) {
		return fmt.Errorf("%d bits with mode %s, want one of %v", f.Bits, f.Mode, bits)
	}
	return nil
}

// ParseQuantization reads the keys quantization and quantization_config of
// config.json, and of its text_config, strictly. It returns nil where none is
// there. A method that this version cannot read is an *UnsupportedError.
func ParseQuantization(config []byte) (*Quantization, error) {
	var found []*Quantization
	r, err := newJSONReader(config)
	if err == nil {
		err = r.object(r.findQuantization(&found))
	}
	for i := range found {
		if err == nil && !reflect.DeepEqual(found[0], found[i]) {
			err = errors.New("quantization and quantization_config do not say the same")
		}
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", ConfigFile, err)
	case len(found) == 0:
		return nil, nil
	}
	return found[0], nil
}

// findQuantization reads a member of a configuration.
func (r *jsonReader) findQuantization(found *[]*Quantization) func(key string) error {
	return func(key string) error {
		if key != "text_config" && key != "quantization" && key != "quantization_config" {
			return r.skip()
		}
		t, err := r.token()
		switch {
		case err != nil:
			return err
		case t == nil:
			return nil
		case t != json.Delim('{'):
			return fmt.Errorf("%s: want an object or null", key)
		case key == "text_config":
			return r.members(r.findQuantization(found))
		}
		q, err := readQuantization(r)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		*found = append(*found, q)
		return nil
	}
}

// quantizationKeys are the members of a quantization object, of either kind.
type quantizationKeys struct {
	method   string
	mlx      mlxForm
	block    []int
	scheme   string
	format   string // of the weights
	scales   string // format of the scales
	override map[string]mlxOverride
	unknown  []string
	seen     map[string]bool
}

// readQuantization reads the rest of an object whose brace has been read.
func readQuantization(r *jsonReader) (*Quantization, error) {
	k := quantizationKeys{mlx: mlxForm{Mode: "affine"}, scheme: "dynamic", format: "e4m3", scales: "float", override: map[string]mlxOverride{}, seen: map[string]bool{}}
	err := r.members(func(key string) error {
		k.seen[key] = true
		if err := k.read(r, key); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if k.seen["quant_method"] {
		return k.asFP8()
	}
	return k.asMLX()
}

func (k *quantizationKeys) read(r *jsonReader, key string) (err error) {
	switch key {
	case "quant_method":
		k.method, err = r.string()
	case "group_size":
		k.mlx.GroupSize, err = r.size()
	case "bits":
		k.mlx.Bits, err = r.size()
	case "mode":
		k.mlx.Mode, err = r.string()
	case "activation_scheme":
		k.scheme, err = r.string()
	case "fmt":
		k.format, err = r.string()
	case "scale_fmt":
		k.scales, err = r.string()
	case "weight_block_size":
		k.block, err = readBlock(r)
	case "modules_to_not_convert", "ignored_layers", "modules_to_convert", "dequantize":
		return r.skip() // which modules are quantised is seen from their tensors
	default:
		return k.readOther(r, key)
	}
	return err
}

// readBlock reads [rows, columns] or null.
func readBlock(r *jsonReader) (block []int, err error) {
	t, err := r.token()
	if err != nil || t == nil {
		return nil, err
	}
	if t != json.Delim('[') {
		return nil, errors.New("want [rows, columns] or null")
	}
	err = r.elements(func() error {
		n, err := r.size()
		block = append(block, n)
		if len(block) > 2 {
			return errors.New("more than two numbers")
		}
		return err
	})
	if err == nil && (len(block) != 2 || block[0] < 1 || block[1] < 1) {
		err = fmt.Errorf("%v, want two positive numbers", block)
	}
	return block, err
}

// readOther reads what is said of one module: an object, true or false. All
// else is unknown.
func (k *quantizationKeys) readOther(r *jsonReader, key string) error {
	t, err := r.token()
	if err != nil {
		return err
	}
	switch t {
	case true:
		k.override[key] = mlxOverride{}
		return nil
	case false:
		k.override[key] = mlxOverride{plain: true}
		return nil
	case json.Delim('{'):
		return k.readOverride(r, key)
	case json.Delim('['):
		err = r.elements(r.skip)
	}
	k.unknown = append(k.unknown, key)
	return err
}

// readOverride reads the object of one module. What it leaves out has the
// default of MLX's to_quantized, not the value of the other modules.
func (k *quantizationKeys) readOverride(r *jsonReader, path string) error {
	f := mlxForm{GroupSize: 64, Bits: 4, Mode: "affine"}
	err := r.members(func(key string) (err error) {
		switch key {
		case "group_size":
			f.GroupSize, err = r.size()
		case "bits":
			f.Bits, err = r.size()
		case "mode":
			f.Mode, err = r.string()
		default:
			k.unknown = append(k.unknown, path+"."+key)
			err = r.skip()
		}
		return err
	})
	k.override[path] = mlxOverride{form: &f}
	return err
}

func (k *quantizationKeys) asMLX() (*Quantization, error) {
	for _, key := range []string{"activation_scheme", "fmt", "scale_fmt", "weight_block_size", "modules_to_not_convert", "ignored_layers", "modules_to_convert", "dequantize"} {
		if k.seen[key] {
			k.unknown = append(k.unknown, key)
		}
	}
	if err := k.refuseUnknown("MLX"); err != nil {
		return nil, err
	}
	if !k.seen["group_size"] || !k.seen["bits"] {
		return nil, errors.New("neither quant_method nor MLX's group_size and bits are there")
	}
	if err := k.mlx.check(); err != nil {
		return nil, &UnsupportedError{What: err.Error()}
	}
	for path, o := range k.override {
		if o.form == nil {
			continue
		}
		if err := o.form.check(); err != nil {
			return nil, &UnsupportedError{What: fmt.Sprintf("%s: %v", path, err)}
		}
	}
	return &Quantization{mlx: &k.mlx, override: k.override}, nil
}

func (k *quantizationKeys) asFP8() (*Quantization, error) {
	if k.method != "fp8" {
		return nil, &UnsupportedError{What: fmt.Sprintf("quant_method %.40q is not supported, want fp8, or a checkpoint of MLX or GGUF, or one that is not quantised", k.method)}
	}
	for _, key := range []string{"group_size", "bits", "mode"} {
		if k.seen[key] {
			k.unknown = append(k.unknown, key)
		}
	}
	for key := range k.override {
		k.unknown = append(k.unknown, key)
	}
	if err := k.refuseUnknown("quant_method fp8"); err != nil {
		return nil, err
	}
	switch {
	case k.scheme != "dynamic" && k.scheme != "static":
		return nil, &UnsupportedError{What: fmt.Sprintf("activation_scheme %.40q is not known, want dynamic or static", k.scheme)}
	case k.format != "e4m3":
		return nil, &UnsupportedError{What: fmt.Sprintf("fmt %.40q is not supported, want e4m3", k.format)}
	case k.scales != "float":
		return nil, &UnsupportedError{What: fmt.Sprintf("scale_fmt %.40q is not supported, want float", k.scales)}
	case k.block != nil && fp8Columns(k.block[1]) < 16:
		return nil, &UnsupportedError{What: fmt.Sprintf("weight_block_size %v is not supported, want columns in multiples of 16", k.block)}
	}
	return &Quantization{fp8: &fp8Form{block: k.block}}, nil
}

func (k *quantizationKeys) refuseUnknown(kind string) error {
	if len(k.unknown) == 0 {
		return nil
	}
	slices.Sort(k.unknown)
	return &UnsupportedError{What: fmt.Sprintf("key %.80q is not known for %s", strings.Join(k.unknown, ", "), kind)}
}

// quantizationOf reads the quantization of the folder's configuration, nil where
// there is no configuration.
func quantizationOf(dir fs.FS) (*Quantization, error) {
	there, err := exists(dir, ConfigFile)
	if err != nil || !there {
		return nil, err
	}
	data, err := ReadJSON(dir, ConfigFile)
	if err != nil {
		return nil, err
	}
	return ParseQuantization(data)
}
