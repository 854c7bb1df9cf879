package jinja

// pos is the line of a node.
type pos int

func (p pos) at() int { return int(p) }

type expr interface{ at() int }

type (
	nameExpr struct {
		pos
		name string
	}
	constExpr struct {
		pos
		value Value
	}
	tupleExpr struct {
		pos
		items []expr
	}
	listExpr struct {
		pos
		items []expr
	}
	dictExpr struct {
		pos
		keys, values []expr
	}
	binaryExpr struct { // + - * / // % ** and or
		pos
		op          string
		left, right expr
	}
	unaryExpr struct { // + - not
		pos
		op string
		x  expr
	}
	concatExpr struct {
		pos
		parts []expr
	}
	compareExpr struct {
		pos
		first expr
		ops   []string // == != < <= > >= in "not in"
		rest  []expr
	}
	condExpr struct {
		pos
		test, then, otherwise expr // otherwise may be nil
	}
	attrExpr struct {
		pos
		x    expr
		name string
	}
	itemExpr struct {
		pos
		x, index expr
	}
	sliceExpr struct { // only as an index; each may be nil
		pos
		start, stop, step expr
	}
	callExpr struct {
		pos
		fn   expr
		args callArgs
	}
	filterExpr struct {
		pos
		x    expr // nil: what the block around it has written
		name string
		args callArgs
	}
	testExpr struct {
		pos
		x    expr
		name string
		args callArgs
	}
	nsRef struct { // only as a target: name.attr
		pos
		name, attr string
	}
)

type callArgs struct {
	positional []expr
	names      []string // of keywords
	keywords   []expr
	star       expr // *star; may be nil
	starStar   expr
}

type stmt interface{ at() int }

type (
	textStmt struct {
		pos
		text string
	}
	printStmt struct {
		pos
		x expr
	}
	ifStmt struct {
		pos
		tests     []expr
		bodies    [][]stmt
		otherwise []stmt
	}
	forStmt struct {
		pos
		target    expr
		over      expr
		test      expr // may be nil
		recursive bool
		body      []stmt
		otherwise []stmt

		unset, otherwiseUnset []string // see symbols
	}
	setStmt struct {
		pos
		target expr
		value  expr
	}
	setBlockStmt struct {
		pos
		target expr
		filter *filterExpr // may be nil
		body   []stmt
		unset  []string
	}
	macroStmt struct {
		pos
		macroDef
	}
	callStmt struct {
		pos
		call   *callExpr
		caller macroDef
	}
	filterStmt struct {
		pos
		filter *filterExpr
		body   []stmt
		unset  []string
	}
	withStmt struct {
		pos
		targets, values []expr
		body            []stmt
		unset           []string
	}
	blockStmt struct {
		pos
		name   string
		scoped bool
		body   []stmt
		unset  []string
	}
	generationStmt struct {
		pos
		body  []stmt
		unset []string
	}
	loopControl struct {
		pos
		word string // break or continue
	}
)

// macroDef is what macros and the bodies of call blocks have in common.
type macroDef struct {
	name     string
	params   []string
	defaults []expr // of the last params
	body     []stmt
	unset    []string
	// whether the body reads these, which its parameters do not name
	caller, kwargs, varargs bool
}
