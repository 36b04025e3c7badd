package main

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// A listWatch reads one resource with one kind of client.
type listWatch struct {
	list   func(context.Context, metav1.ListOptions) (runtime.Object, error)
	watch  func(context.Context, metav1.ListOptions) (watch.Interface, error)
	sample runtime.Object
}

// follow watches with client-go's RetryWatcher, which resumes and never lists: it must see every event, in order.
func follow(ctx context.Context, name string, source listWatch) (*journal, error) {
	seen := newJournal(name, true)
	list, err := source.list(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	accessor, err := meta.ListAccessor(list)
	if err != nil {
		return nil, err
	}
	seen.synced()
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, accessor.GetResourceVersion(), &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return source.watch(ctx, options)
		},
	})
	if err != nil {
		return nil, err
	}
	go func() {
		for event := range watcher.ResultChan() {
			object, err := meta.Accessor(event.Object)
			switch {
			case event.Type == watch.Bookmark:
			case event.Type == watch.Error || err != nil:
				seen.problems = append(seen.problems, fmt.Sprintf("%s: %v %v", name, event.Type, event.Object))
			default:
				if isOurs(object) {
					seen.see(object.GetName(), string(event.Type), object.GetResourceVersion())
				}
			}
		}
	}()
	return seen, nil
}

// inform runs a shared informer and writes down what its handlers are called with.
func inform(ctx context.Context, name string, source listWatch) (*journal, cache.SharedIndexInformer, error) {
	seen := newJournal(name, false)
	informer := cache.NewSharedIndexInformer(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			if options.Continue == "" {
				seen.synced()
			}
			return source.list(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			if options.SendInitialEvents != nil && *options.SendInitialEvents {
				seen.synced()
			}
			return source.watch(ctx, options)
		},
	}, source.sample, 0, cache.Indexers{})
	see := func(kind string, object any) {
		if final, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = final.Obj
		}
		accessor, err := meta.Accessor(object)
		if err == nil && isOurs(accessor) {
			seen.see(accessor.GetName(), kind, accessor.GetResourceVersion())
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) { see("ADDED", object) },
		UpdateFunc: func(old, object any) {
			before, _ := meta.Accessor(old)
			after, _ := meta.Accessor(object)
			if before.GetResourceVersion() != after.GetResourceVersion() { // else it was listed again
				see("MODIFIED", object)
			}
		},
		DeleteFunc: func(object any) { see("DELETED", object) },
	})
	if err != nil {
		return nil, nil, err
	}
	go informer.RunWithContext(ctx)
	return seen, informer, nil
}

// isOurs leaves out what the cluster keeps in every namespace.
func isOurs(object metav1.Object) bool { return object.GetAnnotations()[sequence] != "" }
