package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	watchtools "k8s.io/client-go/tools/watch"
)

const (
	leaseName     = "client-go-leader"
	leaseDuration = 6 * time.Second
	renewDeadline = 4 * time.Second
	retryPeriod   = 500 * time.Millisecond
	// A leader gives up by itself after so long, so that there is something to elect.
	reign = 8 * time.Second
)

type election struct {
	terms    atomic.Int32
	problems []string
	events   int
}

// elect lets candidates compete for a Lease with client-go's leader election until the context ends.
func elect(ctx context.Context, clients []kubernetes.Interface, namespace string) (*election, error) {
	result := &election{}
	if err := result.observe(ctx, clients[0], namespace); err != nil {
		return nil, err
	}
	for index, client := range clients {
		go func() {
			for ctx.Err() == nil {
				result.campaign(ctx, client, namespace, fmt.Sprintf("candidate-%d", index))
			}
		}()
	}
	return result, nil
}

func (e *election) campaign(ctx context.Context, client kubernetes.Interface, namespace, identity string) {
	term, end := context.WithCancel(ctx)
	defer end()
	leaderelection.RunOrDie(term, leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Name: leaseName, Namespace: namespace},
			Client:     client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
		},
		LeaseDuration:   leaseDuration,
		RenewDeadline:   renewDeadline,
		RetryPeriod:     retryPeriod,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(leading context.Context) {
				e.terms.Add(1)
				select {
				case <-time.After(reign):
					end()
				case <-leading.Done():
				}
			},
			OnStoppedLeading: func() {},
		},
	})
}

// observe checks every version of the Lease: nobody takes it from a holder whose time is not over.
func (e *election) observe(ctx context.Context, client kubernetes.Interface, namespace string) error {
	leases := client.CoordinationV1().Leases(namespace)
	list, err := leases.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return leases.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return leases.Watch(ctx, options)
		},
	})
	if err != nil {
		return err
	}
	go func() {
		var before *coordinationv1.Lease
		for event := range watcher.ResultChan() {
			if lease, ok := event.Object.(*coordinationv1.Lease); ok && lease.Name == leaseName && event.Type != watch.Bookmark {
				e.events++
				e.compare(before, lease)
				before = lease
			}
		}
	}()
	return nil
}

func (e *election) compare(before, after *coordinationv1.Lease) {
	if before == nil || holderOf(before) == "" || holderOf(after) == "" || holderOf(before) == holderOf(after) {
		return
	}
	over := before.Spec.RenewTime.Add(time.Duration(*before.Spec.LeaseDurationSeconds) * time.Second)
	if after.Spec.AcquireTime.Time.Before(over) {
		e.problems = append(e.problems, fmt.Sprintf("%s took the lease from %s at %s, before it was over at %s", holderOf(after), holderOf(before), after.Spec.AcquireTime, over))
	}
}

func holderOf(lease *coordinationv1.Lease) string {
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}
