package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	schemacel "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"
)

// Rule is an expression about the values of a schema.
type Rule struct {
	Schema string `json:"schema"`
	Text   string `json:"text"`
}

// Estimate is what a rule may cost; nothing when it does not compile.
type Estimate struct {
	Min uint64 `json:"min,string"`
	Max uint64 `json:"max,string"`
	// Cardinality is how often the rule may run in one object at most, where no maxItems or maxProperties says less.
	Cardinality uint64 `json:"cardinality,string"`
	Refused     bool   `json:"refused"`
}

// Finding is an error of a definition.
type Finding struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

func structural(raw json.RawMessage) (*structuralschema.Structural, error) {
	described := &apiextensionsv1.JSONSchemaProps{}
	if err := json.Unmarshal(raw, described); err != nil {
		return nil, err
	}
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(described, internal, nil); err != nil {
		return nil, err
	}
	return structuralschema.NewStructural(internal)
}

// estimates compiles each rule at the root of its schema.
func estimates(schemas map[string]json.RawMessage, rules []Rule) ([]Estimate, error) {
	known := map[string]*structuralschema.Structural{}
	for name, raw := range schemas {
		schema, err := structural(raw)
		if err != nil {
			return nil, fmt.Errorf("schema %s: %w", name, err)
		}
		known[name] = schema
	}
	found := make([]Estimate, len(rules))
	for index, rule := range rules {
		estimate, err := estimateRule(*known[rule.Schema], rule.Text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", rule.Text, err)
		}
		found[index] = estimate
	}
	return found, nil
}

func estimateRule(schema structuralschema.Structural, text string) (Estimate, error) {
	schema.XValidations = apiextensionsv1.ValidationRules{{Rule: text}}
	base := environment.MustBaseEnvSet(version.MajorMinor(1, 36))
	declared := model.SchemaDeclType(&schema, true)
	results, err := schemacel.Compile(&schema, declared, celconfig.PerCallLimit, base, schemacel.NewExpressionsEnvLoader())
	if err != nil {
		return Estimate{}, err
	}
	if results[0].Error != nil {
		return Estimate{Refused: true}, nil
	}
	estimate, err := leastCost(base, declared, text)
	if err != nil {
		return Estimate{}, err
	}
	if estimate.Max != results[0].MaxCost {
		return Estimate{}, fmt.Errorf("estimated %d, Kubernetes %d", estimate.Max, results[0].MaxCost)
	}
	return Estimate{Min: estimate.Min, Max: results[0].MaxCost, Cardinality: results[0].MaxCardinality}, nil
}

// leastCost estimates again, because Kubernetes keeps only the most that a rule costs.
func leastCost(base *environment.EnvSet, declared *apiservercel.DeclType, text string) (checker.CostEstimate, error) {
	self := declared.MaybeAssignTypeName("selfType")
	extended, err := base.Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0),
		EnvOptions:        []cel.EnvOption{cel.Variable("self", self.CelType()), cel.Variable("oldSelf", self.CelType())},
		DeclTypes:         []*apiservercel.DeclType{self},
	})
	if err != nil {
		return checker.CostEstimate{}, err
	}
	env := extended.NewExpressionsEnv()
	ast, issues := env.Compile(text)
	if issues != nil {
		return checker.CostEstimate{}, issues.Err()
	}
	return env.EstimateCost(ast, &library.CostEstimator{SizeEstimator: &sizes{root: declared}})
}

// sizes is the estimator of k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel, which does not export it.
type sizes struct {
	root *apiservercel.DeclType
}

func (s *sizes) EstimateSize(element checker.AstNode) *checker.SizeEstimate {
	if len(element.Path()) == 0 {
		return nil
	}
	at := s.root
	for _, name := range element.Path()[1:] {
		switch name {
		case "@items", "@values":
			at = at.ElemType
		case "@keys":
			at = at.KeyType
		default:
			field, isKnown := at.Fields[name]
			if !isKnown {
				return nil
			}
			at = field.Type
		}
		if at == nil {
			return nil
		}
	}
	return &checker.SizeEstimate{Min: 0, Max: uint64(at.MaxElements)}
}

func (s *sizes) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}

// findings are the errors of a definition of one version with the schema, with paths that start at the schema.
func findings(raw json.RawMessage) ([]Finding, error) {
	schema := &apiextensionsv1.JSONSchemaProps{}
	if err := json.Unmarshal(raw, schema); err != nil {
		return nil, err
	}
	definition := &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "things.example.com"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "example.com",
			Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "things", Singular: "thing", Kind: "Thing", ListKind: "ThingList"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true, Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: schema},
			}},
		},
		Status: apiextensionsv1.CustomResourceDefinitionStatus{StoredVersions: []string{"v1"}},
	}
	apiextensionsv1.SetDefaults_CustomResourceDefinition(definition)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&definition.Spec)
	internal := &apiextensions.CustomResourceDefinition{}
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(definition, internal, nil); err != nil {
		return nil, err
	}
	found := []Finding{}
	for _, each := range validation.ValidateCustomResourceDefinition(context.Background(), internal) {
		_, path, _ := strings.Cut(each.Field, "openAPIV3Schema")
		found = append(found, Finding{Field: "schema" + path, Message: each.ErrorBody()})
	}
	return found, nil
}
