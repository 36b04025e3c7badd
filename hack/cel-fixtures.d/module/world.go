package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/common"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"
	"k8s.io/apiserver/pkg/cel/mutation"
	"k8s.io/apiserver/pkg/cel/openapi"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// world is the two environments and the values of their variables.
type world struct {
	validating *cel.Env
	mutating   *cel.Env
	bindings   map[string]any
}

// newWorld makes the environments of Kubernetes 1.36 with the variables of policies, the ones that are asked for, and a `self` with a schema.
func newWorld(request Request) (*world, error) {
	described := &spec.Schema{}
	if err := json.Unmarshal(request.Schema, described); err != nil {
		return nil, err
	}
	self := openapi.SchemaDeclType(described, true).MaybeAssignTypeName("selfType")
	requestType, namespaceType := plugincel.BuildRequestType(), plugincel.BuildNamespaceType()
	decoded, err := decode(request.Self)
	if err != nil {
		return nil, err
	}
	w := &world{bindings: map[string]any{
		"self":                       openapi.UnstructuredToVal(decoded, described),
		"authorizer":                 library.NewAuthorizerVal(requester, authorizer.AuthorizerFunc(authorize)),
		"authorizer.requestResource": library.NewResourceAuthorizerVal(requester, authorizer.AuthorizerFunc(authorize), requestResource{}),
	}}
	options := []cel.EnvOption{
		cel.Variable("self", self.CelType()),
		cel.Variable("request", requestType.CelType()),
		cel.Variable("namespaceObject", namespaceType.CelType()),
		cel.Variable("authorizer", library.AuthorizerType),
		cel.Variable("authorizer.requestResource", library.ResourceCheckType),
	}
	for _, variable := range request.Variables {
		if variable.Type != "" {
			declared, err := parseType(variable.Type)
			if err != nil {
				return nil, err
			}
			options = append(options, cel.Variable(variable.Name, declared))
		}
		if w.bindings[variable.Name], err = decode(variable.Value); err != nil {
			return nil, err
		}
	}
	base, err := environment.MustBaseEnvSet(version.MajorMinor(1, 36)).Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0),
		EnvOptions:        options,
		DeclTypes:         []*apiservercel.DeclType{self, requestType, namespaceType},
	}, environment.StrictCostOpt)
	if err != nil {
		return nil, err
	}
	withPatches, err := base.Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0),
		EnvOptions:        []cel.EnvOption{common.ResolverEnvOption(&mutation.DynamicTypeResolver{}), library.JSONPatch()},
	})
	if err != nil {
		return nil, err
	}
	w.validating, w.mutating = base.NewExpressionsEnv(), withPatches.NewExpressionsEnv()
	return w, nil
}

func parseType(text string) (*cel.Type, error) {
	simple := map[string]*cel.Type{
		"dyn": cel.DynType, "null": cel.NullType, "bool": cel.BoolType, "int": cel.IntType, "uint": cel.UintType, "double": cel.DoubleType,
		"string": cel.StringType, "bytes": cel.BytesType, "timestamp": cel.TimestampType, "duration": cel.DurationType, "type": cel.TypeType,
	}
	if found, isSimple := simple[text]; isSimple {
		return found, nil
	}
	name, rest, isGeneric := strings.Cut(text, "<")
	if !isGeneric {
		return nil, fmt.Errorf("unknown type %q", text)
	}
	inner := strings.TrimSuffix(rest, ">")
	if name == "map" {
		key, value, _ := strings.Cut(inner, ", ")
		keyType, err := parseType(key)
		if err != nil {
			return nil, err
		}
		valueType, err := parseType(value)
		return cel.MapType(keyType, valueType), err
	}
	of, err := parseType(inner)
	if name == "optional" {
		return cel.OptionalType(of), err
	}
	return cel.ListType(of), err
}

var requester = &user.DefaultInfo{Name: "jane", Groups: []string{"devs"}}

// requestResource is what the request of the expressions is about.
type requestResource struct{}

func (requestResource) GetName() string      { return "web-1" }
func (requestResource) GetNamespace() string { return "shop" }
func (requestResource) GetResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
}
func (requestResource) GetSubresource() string { return "" }

// authorize allows `get`, denies the rest with a reason, and fails for the verb `fail`. hack/cel-fixtures' reader has the same rule.
func authorize(_ context.Context, attributes authorizer.Attributes) (authorizer.Decision, string, error) {
	switch attributes.GetVerb() {
	case "get":
		return authorizer.DecisionAllow, "get is allowed", nil
	case "fail":
		return authorizer.DecisionNoOpinion, "", errors.New("cannot tell")
	}
	subject := fmt.Sprintf("%s %s/%s/%s/%s/%s %s", attributes.GetVerb(), attributes.GetAPIGroup(), attributes.GetResource(),
		attributes.GetSubresource(), attributes.GetNamespace(), attributes.GetName(), attributes.GetPath())
	return authorizer.DecisionDeny, attributes.GetUser().GetName() + " may not " + subject, nil
}
