package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
)

// resources that are written and watched: one of the core kinds and one record.
var resources = map[string]schema.GroupVersionResource{
	"configmaps": {Version: "v1", Resource: "configmaps"},
	"issues":     forge.WithResource("issues"),
}

type observed struct {
	kind    string
	journal *journal
	// nil of a plain watch
	informer cache.SharedIndexInformer
}

type observers struct {
	ledgers map[string]*ledger
	all     []observed
}

// observe starts, for each resource, a typed, a dynamic and a metadata informer and a watch, each with its own connection.
func observe(ctx context.Context, given options, counter *atomic.Uint32) (*observers, error) {
	result := &observers{ledgers: map[string]*ledger{}}
	for kind := range resources {
		result.ledgers[kind] = newLedger()
		for _, access := range []string{"typed", "dynamic", "metadata"} {
			source, err := newSource(kind, access, given, counter)
			if err != nil {
				return nil, err
			}
			name := fmt.Sprintf("%s informer of %s", access, kind)
			seen, informer, err := inform(ctx, name, source)
			if err != nil {
				return nil, err
			}
			result.all = append(result.all, observed{kind, seen, informer})
		}
		source, err := newSource(kind, "dynamic", given, counter)
		if err != nil {
			return nil, err
		}
		seen, err := follow(ctx, "watch of "+kind, source)
		if err != nil {
			return nil, err
		}
		result.all = append(result.all, observed{kind, seen, nil})
	}
	for _, each := range result.all {
		if each.informer != nil && !cache.WaitForCacheSync(ctx.Done(), each.informer.HasSynced) {
			return nil, fmt.Errorf("%s did not sync", each.journal.name)
		}
	}
	return result, nil
}

// report waits until everybody has seen the end, then compares.
func (o *observers) report(report *Report) {
	deadline := time.Now().Add(catchUpTimeout)
	for _, each := range o.all {
		for !each.journal.complete(o.ledgers[each.kind]) && time.Now().Before(deadline) {
			time.Sleep(retryPause)
		}
	}
	for _, ledger := range o.ledgers {
		report.Writes += ledger.writes
		report.Retries += ledger.retries
		report.Problems = append(report.Problems, ledger.problems...)
	}
	for _, each := range o.all {
		report.Events[each.journal.name] = each.journal.count
		report.Syncs[each.journal.name] = each.journal.syncs
		report.Problems = append(report.Problems, each.journal.check(o.ledgers[each.kind])...)
		report.Problems = append(report.Problems, o.checkCache(each)...)
	}
}

// checkCache compares what an informer holds in the end with what was written last.
func (o *observers) checkCache(each observed) []string {
	if each.informer == nil {
		return nil
	}
	cached := map[string]string{}
	for _, object := range each.informer.GetStore().List() {
		if accessor, ok := object.(metav1.Object); ok && isOurs(accessor) {
			cached[accessor.GetName()] = accessor.GetResourceVersion()
		}
	}
	var problems []string
	for name, versions := range o.ledgers[each.kind].versions {
		last := versions[len(versions)-1]
		wanted := ""
		if !last.deleted {
			wanted = fmt.Sprint(last.revision)
		}
		if cached[name] != wanted {
			problems = append(problems, fmt.Sprintf("%s: its cache has %s at %q, it was last written at %q", each.journal.name, name, cached[name], wanted))
		}
		delete(cached, name)
	}
	for name := range cached {
		problems = append(problems, fmt.Sprintf("%s: its cache has %s, which nobody wrote", each.journal.name, name))
	}
	return problems
}

func newTarget(kind string, given options, counter *atomic.Uint32) (target, error) {
	config, err := connect(given, counter)
	if err != nil {
		return nil, err
	}
	if kind == "configmaps" {
		client, err := kubernetes.NewForConfig(config)
		return configMaps{client, given.namespace}, err
	}
	typed, _, err := issueClient(config)
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return issues{typed, client.Resource(resources["issues"]).Namespace(given.namespace), given.namespace}, nil
}

func newSource(kind, access string, given options, counter *atomic.Uint32) (listWatch, error) {
	config, err := connect(given, counter)
	if err != nil {
		return listWatch{}, err
	}
	switch access {
	case "dynamic":
		client, err := dynamic.NewForConfig(config)
		if err != nil {
			return listWatch{}, err
		}
		objects := client.Resource(resources[kind]).Namespace(given.namespace)
		return listWatch{
			list:   func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return objects.List(ctx, o) },
			watch:  objects.Watch,
			sample: &unstructured.Unstructured{},
		}, nil
	case "metadata":
		client, err := metadata.NewForConfig(config)
		if err != nil {
			return listWatch{}, err
		}
		objects := client.Resource(resources[kind]).Namespace(given.namespace)
		return listWatch{
			list:   func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return objects.List(ctx, o) },
			watch:  objects.Watch,
			sample: &metav1.PartialObjectMetadata{},
		}, nil
	}
	if kind == "configmaps" {
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return listWatch{}, err
		}
		objects := client.CoreV1().ConfigMaps(given.namespace)
		return listWatch{
			list:   func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return objects.List(ctx, o) },
			watch:  objects.Watch,
			sample: &corev1.ConfigMap{},
		}, nil
	}
	client, codec, err := issueClient(config)
	if err != nil {
		return listWatch{}, err
	}
	return listWatch{
		list: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list := &IssueList{}
			return list, client.Get().Namespace(given.namespace).Resource("issues").VersionedParams(&o, codec).Do(ctx).Into(list)
		},
		watch: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.Watch = true
			return client.Get().Namespace(given.namespace).Resource("issues").VersionedParams(&o, codec).Watch(ctx)
		},
		sample: &Issue{},
	}, nil
}
