package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	sequence = "client-go.test/sequence"
	manager  = "client-go-test"
	// No request takes so long, but one to a server that is being killed may wait for it.
	requestTimeout = 20 * time.Second
	retryPause     = 100 * time.Millisecond
	writerPause    = 10 * time.Millisecond
)

// A target is one way to write the objects of one resource. Every write but create is conditional on `revision`, so that
// it can be tried again when nobody knows what became of it.
type target interface {
	create(ctx context.Context, name, sequence string) (metav1.Object, error)
	update(ctx context.Context, current metav1.Object, sequence string) (metav1.Object, error)
	patch(ctx context.Context, name, revision, sequence string) (metav1.Object, error)
	apply(ctx context.Context, name, revision, sequence string) (metav1.Object, error)
	delete(ctx context.Context, name string, options metav1.DeleteOptions) error
	get(ctx context.Context, name string) (metav1.Object, error)
}

// A writer owns some objects and changes them until its context ends.
type writer struct {
	target target
	names  []string
	random *rand.Rand
	ledger *ledger
	// The object as last written; nil when there is none.
	current map[string]metav1.Object
	count   int
	id      string
}

func (w *writer) run(ctx context.Context) {
	w.current = map[string]metav1.Object{}
	for ctx.Err() == nil {
		w.step(w.names[w.random.IntN(len(w.names))])
		time.Sleep(time.Duration(w.random.Int64N(int64(2 * writerPause))))
	}
}

func (w *writer) step(name string) {
	w.count++
	mark := w.id + "-" + strconv.Itoa(w.count)
	object := w.current[name]
	if object == nil {
		w.commit(name, mark, func(ctx context.Context) (metav1.Object, error) { return w.target.create(ctx, name, mark) })
		return
	}
	revision := object.GetResourceVersion()
	switch w.random.IntN(8) {
	case 0:
		w.remove(name, object)
	case 1, 2:
		w.commit(name, mark, func(ctx context.Context) (metav1.Object, error) { return w.target.patch(ctx, name, revision, mark) })
	case 3, 4:
		w.commit(name, mark, func(ctx context.Context) (metav1.Object, error) { return w.target.apply(ctx, name, revision, mark) })
	default:
		w.commit(name, mark, func(ctx context.Context) (metav1.Object, error) { return w.target.update(ctx, object, mark) })
	}
}

// commit writes until it is known that the write happened, exactly once: each attempt is conditional on the same version.
func (w *writer) commit(name, mark string, write func(context.Context) (metav1.Object, error)) {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
		object, err := write(ctx)
		if errors.IsConflict(err) || errors.IsAlreadyExists(err) {
			object, err = w.target.get(ctx, name) // an earlier attempt had an effect after all
			if err == nil && object.GetAnnotations()[sequence] != mark {
				w.ledger.problem("%s: %s was refused, but nobody else writes it: it has %q", name, mark, object.GetAnnotations()[sequence])
			}
		}
		cancel()
		if err == nil {
			revision, _ := strconv.ParseInt(object.GetResourceVersion(), 10, 64)
			w.ledger.add(name, version{revision: revision})
			w.current[name] = object
			return
		}
		w.again(name, err)
	}
}

func (w *writer) remove(name string, object metav1.Object) {
	uid, revision := object.GetUID(), object.GetResourceVersion()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
		err := w.target.delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid, ResourceVersion: &revision}})
		cancel()
		if err == nil || errors.IsNotFound(err) {
			w.ledger.add(name, version{deleted: true})
			delete(w.current, name)
			return
		}
		w.again(name, err)
	}
}

// again waits after a failure that leaves it open what happened; anything else is a problem.
func (w *writer) again(name string, err error) {
	if errors.IsNotFound(err) || errors.IsConflict(err) || errors.IsInvalid(err) || errors.IsBadRequest(err) || errors.IsForbidden(err) {
		w.ledger.problem("%s: %v", name, err)
	}
	w.ledger.retried()
	time.Sleep(retryPause)
}

// configMaps are written with the typed clientset and typed apply configurations.
type configMaps struct {
	client    kubernetes.Interface
	namespace string
}

func (t configMaps) create(ctx context.Context, name, mark string) (metav1.Object, error) {
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{sequence: mark}}}
	return t.client.CoreV1().ConfigMaps(t.namespace).Create(ctx, object, metav1.CreateOptions{})
}

func (t configMaps) update(ctx context.Context, current metav1.Object, mark string) (metav1.Object, error) {
	object := current.(*corev1.ConfigMap).DeepCopy()
	object.Annotations[sequence] = mark
	object.Data = map[string]string{"updated": mark}
	return t.client.CoreV1().ConfigMaps(t.namespace).Update(ctx, object, metav1.UpdateOptions{})
}

func (t configMaps) patch(ctx context.Context, name, revision, mark string) (metav1.Object, error) {
	return t.client.CoreV1().ConfigMaps(t.namespace).Patch(ctx, name, types.MergePatchType, mergePatch(revision, mark), metav1.PatchOptions{})
}

func (t configMaps) apply(ctx context.Context, name, revision, mark string) (metav1.Object, error) {
	object := corev1ac.ConfigMap(name, t.namespace).WithResourceVersion(revision).WithAnnotations(map[string]string{sequence: mark})
	return t.client.CoreV1().ConfigMaps(t.namespace).Apply(ctx, object, metav1.ApplyOptions{FieldManager: manager, Force: true})
}

func (t configMaps) delete(ctx context.Context, name string, options metav1.DeleteOptions) error {
	return t.client.CoreV1().ConfigMaps(t.namespace).Delete(ctx, name, options)
}

func (t configMaps) get(ctx context.Context, name string) (metav1.Object, error) {
	return t.client.CoreV1().ConfigMaps(t.namespace).Get(ctx, name, metav1.GetOptions{})
}

// issues are created and updated with a typed client, patched, applied and deleted with the dynamic one.
type issues struct {
	typed     rest.Interface
	dynamic   dynamic.ResourceInterface
	namespace string
}

func (t issues) create(ctx context.Context, name, mark string) (metav1.Object, error) {
	object := &Issue{
		TypeMeta:   metav1.TypeMeta{APIVersion: forge.String(), Kind: "Issue"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{sequence: mark}},
		Spec:       IssueSpec{OrganizationRef: "demo", Title: mark},
	}
	result := &Issue{}
	return result, t.typed.Post().Namespace(t.namespace).Resource("issues").Body(object).Do(ctx).Into(result)
}

func (t issues) update(ctx context.Context, current metav1.Object, mark string) (metav1.Object, error) {
	object := &Issue{}
	if err := convert(current, object); err != nil {
		return nil, err
	}
	object.Annotations[sequence] = mark
	object.Spec.Title = mark
	result := &Issue{}
	return result, t.typed.Put().Namespace(t.namespace).Resource("issues").Name(object.Name).Body(object).Do(ctx).Into(result)
}

func (t issues) patch(ctx context.Context, name, revision, mark string) (metav1.Object, error) {
	return orNil(t.dynamic.Patch(ctx, name, types.MergePatchType, mergePatch(revision, mark), metav1.PatchOptions{}))
}

func (t issues) apply(ctx context.Context, name, revision, mark string) (metav1.Object, error) {
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": forge.String(),
		"kind":       "Issue",
		"metadata":   map[string]any{"name": name, "resourceVersion": revision, "annotations": map[string]any{sequence: mark}},
		"spec":       map[string]any{"organizationRef": "demo", "title": mark},
	}}
	return orNil(t.dynamic.Apply(ctx, name, object, metav1.ApplyOptions{FieldManager: manager, Force: true}))
}

func (t issues) delete(ctx context.Context, name string, options metav1.DeleteOptions) error {
	return t.dynamic.Delete(ctx, name, options)
}

func (t issues) get(ctx context.Context, name string) (metav1.Object, error) {
	return orNil(t.dynamic.Get(ctx, name, metav1.GetOptions{}))
}

// orNil keeps a nil pointer from becoming an interface that is not nil.
func orNil(object *unstructured.Unstructured, err error) (metav1.Object, error) {
	if err != nil {
		return nil, err
	}
	return object, nil
}

func convert(from metav1.Object, to *Issue) error {
	switch object := from.(type) {
	case *Issue:
		object.ObjectMeta.DeepCopyInto(&to.ObjectMeta)
		to.TypeMeta, to.Spec, to.Status = object.TypeMeta, object.Spec, object.Status
		return nil
	case *unstructured.Unstructured:
		return runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, to)
	default:
		return fmt.Errorf("unexpected %T", from)
	}
}

func mergePatch(revision, mark string) []byte {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": revision, "annotations": map[string]string{sequence: mark}},
	})
	if err != nil {
		panic(err) // strings only
	}
	return patch
}
