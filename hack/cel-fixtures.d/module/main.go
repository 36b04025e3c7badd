// Command cel-fixtures evaluates CEL expressions with Kubernetes' own implementation.
//
// It reads a Request from standard input and writes a Response to standard output.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"

	"github.com/google/cel-go/cel"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// Request is everything an evaluation depends on.
type Request struct {
	Variables   []Variable      `json:"variables"`
	Schema      json.RawMessage `json:"schema"`
	Self        any             `json:"self"`
	Expressions []Expression    `json:"expressions"`
	// Schemas by name, for rules.
	Schemas map[string]json.RawMessage `json:"schemas"`
	Rules   []Rule                     `json:"rules"`
	// Definitions are schemas that definitions are made of.
	Definitions []json.RawMessage `json:"definitions"`
}

// Response has an answer for everything that was asked, in order.
type Response struct {
	Results   []Result    `json:"results"`
	Estimates []Estimate  `json:"estimates"`
	Findings  [][]Finding `json:"findings"`
}

// Variable has a type as it is written in signatures, such as list<string>, and a value as encode makes it.
type Variable struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value any    `json:"value"`
}

// Expression is compiled in the environment of validating policies, or in that of mutating ones.
type Expression struct {
	Text     string `json:"text"`
	Mutating bool   `json:"mutating"`
}

// Result tells either what is wrong with the expression, or what it gives and costs.
type Result struct {
	Issues []Issue `json:"issues,omitempty"`
	// Program is what is found when the program is made: constants that cannot be converted.
	Program string `json:"program,omitempty"`
	Type    string `json:"type,omitempty"`
	Value   any    `json:"value,omitempty"`
	Error   string `json:"error,omitempty"`
	Cost    uint64 `json:"cost"`
	// Panic is set where cel-go itself crashes.
	Panic string `json:"panic,omitempty"`
	// Unstable is set where two evaluations differ.
	Unstable bool `json:"unstable,omitempty"`
}

// Issue has a one-based line and column.
type Issue struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "cel-fixtures:", err)
		os.Exit(1)
	}
}

func run() error {
	var request Request
	decoder := json.NewDecoder(os.Stdin)
	decoder.UseNumber()
	if err := decoder.Decode(&request); err != nil {
		return err
	}
	world, err := newWorld(request)
	if err != nil {
		return err
	}
	results := make([]Result, len(request.Expressions))
	for index, expression := range request.Expressions {
		results[index] = evaluateRepeatedly(world, expression)
	}
	estimates, err := estimates(request.Schemas, request.Rules)
	if err != nil {
		return err
	}
	response := Response{Results: results, Estimates: estimates, Findings: make([][]Finding, len(request.Definitions))}
	for index, definition := range request.Definitions {
		if response.Findings[index], err = findings(definition); err != nil {
			return fmt.Errorf("definition %d: %w", index, err)
		}
	}
	return json.NewEncoder(os.Stdout).Encode(response)
}

// walksOverMaps finds expressions whose result may depend on the order in which Go walks over a map, which is random: those with a loop.
var walksOverMaps = regexp.MustCompile(`\.(all|exists|exists_one|existsOne|map|filter|transform\w+|sortBy)\(`)

// repetitions are enough to see that a result is not always the same. Of two entries in a map the second comes first once in eight times: of the
// expressions with a loop, one in 10^8 would go unnoticed.
func repetitions(text string) int {
	if walksOverMaps.MatchString(text) {
		return 150
	}
	return 10
}

func evaluateRepeatedly(world *world, expression Expression) (result Result) {
	env := world.validating
	if expression.Mutating {
		env = world.mutating
	}
	ast, issues, panicked := compile(env, expression.Text)
	if panicked != "" {
		return Result{Panic: panicked}
	}
	if issues != nil {
		return Result{Issues: issuesOf(issues)}
	}
	first := evaluate(world, env, ast)
	if first.Program != "" || first.Panic != "" {
		return first
	}
	for range repetitions(expression.Text) {
		if !reflect.DeepEqual(first, evaluate(world, env, ast)) {
			return Result{Unstable: true}
		}
	}
	return first
}

func compile(env *cel.Env, text string) (ast *cel.Ast, issues *cel.Issues, panicked string) {
	defer func() {
		if problem := recover(); problem != nil {
			panicked = fmt.Sprint(problem)
		}
	}()
	ast, issues = env.Compile(text)
	return ast, issues, ""
}

func evaluate(world *world, env *cel.Env, ast *cel.Ast) (result Result) {
	defer func() {
		if problem := recover(); problem != nil {
			result = Result{Panic: fmt.Sprint(problem)}
		}
	}()
	program, err := env.Program(ast, cel.InterruptCheckFrequency(celconfig.CheckFrequency))
	if err != nil {
		return Result{Program: err.Error()}
	}
	result.Type = ast.OutputType().String()
	value, details, err := program.Eval(world.bindings)
	if details != nil && details.ActualCost() != nil {
		result.Cost = *details.ActualCost()
	}
	if err != nil {
		result.Error = err.Error()
		return result
	}
	result.Value = encode(value)
	return result
}

func issuesOf(issues *cel.Issues) []Issue {
	found := []Issue{}
	for _, each := range issues.Errors() {
		found = append(found, Issue{Line: each.Location.Line(), Column: each.Location.Column() + 1, Message: each.Message})
	}
	slices.SortStableFunc(found, func(a, b Issue) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return found
}
