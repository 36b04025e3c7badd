package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
)

var forge = schema.GroupVersion{Group: "forge.krate.a5c.ai", Version: "v1alpha1"}

// Issue is the record as a Go controller would declare it, with the fields this program uses.
type Issue struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              IssueSpec   `json:"spec"`
	Status            IssueStatus `json:"status,omitempty"`
}

type IssueSpec struct {
	OrganizationRef string `json:"organizationRef"`
	Title           string `json:"title"`
}

type IssueStatus struct {
	Number int64  `json:"number,omitempty"`
	Phase  string `json:"phase,omitempty"`
}

type IssueList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Issue `json:"items"`
}

func (issue *Issue) DeepCopyObject() runtime.Object {
	copied := *issue
	issue.ObjectMeta.DeepCopyInto(&copied.ObjectMeta)
	return &copied
}

func (list *IssueList) DeepCopyObject() runtime.Object {
	copied := *list
	list.ListMeta.DeepCopyInto(&copied.ListMeta)
	copied.Items = make([]Issue, len(list.Items))
	for index := range list.Items {
		copied.Items[index] = *list.Items[index].DeepCopyObject().(*Issue)
	}
	return &copied
}

// issueClient is what client-gen would generate for the group.
func issueClient(config *rest.Config) (*rest.RESTClient, runtime.ParameterCodec, error) {
	scheme := runtime.NewScheme()
	scheme.AddKnownTypes(forge, &Issue{}, &IssueList{})
	metav1.AddToGroupVersion(scheme, forge)
	typed := rest.CopyConfig(config)
	typed.GroupVersion = &forge
	typed.APIPath = "/apis"
	typed.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	client, err := rest.RESTClientFor(typed)
	return client, runtime.NewParameterCodec(scheme), err
}
