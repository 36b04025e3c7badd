package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
)

const sharedName = "shared"

// shareByApply lets several managers apply their own key of one ConfigMap, without force, until the context ends. In the
// end each key must have its manager's last value, belong to it alone, and be refused to others.
func shareByApply(ctx context.Context, clients []kubernetes.Interface, namespace string) func() (int, []string) {
	var running sync.WaitGroup
	last := make([]int, len(clients))
	problems := make([][]string, len(clients))
	for index, client := range clients {
		running.Go(func() {
			for ctx.Err() == nil {
				value := last[index] + 1
				err := applyKey(client, namespace, managerOf(index), keyOf(index), strconv.Itoa(value))
				if err == nil {
					last[index] = value
				} else if isAnswer(err) {
					problems[index] = append(problems[index], fmt.Sprintf("apply of %s: %v", keyOf(index), err))
				}
				time.Sleep(writerPause)
			}
		})
	}
	return func() (int, []string) {
		running.Wait()
		total := 0
		var all []string
		for index := range clients {
			total += last[index]
			all = append(all, problems[index]...)
		}
		return total, append(all, checkShared(clients, namespace, last)...)
	}
}

func applyKey(client kubernetes.Interface, namespace, manager, key, value string) error {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	object := corev1ac.ConfigMap(sharedName, namespace).WithData(map[string]string{key: value})
	_, err := client.CoreV1().ConfigMaps(namespace).Apply(ctx, object, metav1.ApplyOptions{FieldManager: manager})
	return err
}

func checkShared(clients []kubernetes.Interface, namespace string, last []int) []string {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	// The last attempt of each may have been cut off: this settles it.
	for index, client := range clients {
		for attempt := 0; applyKey(client, namespace, managerOf(index), keyOf(index), strconv.Itoa(last[index])) != nil && attempt < 50; attempt++ {
			time.Sleep(retryPause)
		}
	}
	object, err := clients[0].CoreV1().ConfigMaps(namespace).Get(ctx, sharedName, metav1.GetOptions{})
	if err != nil {
		return []string{fmt.Sprintf("the shared ConfigMap: %v", err)}
	}
	var problems []string
	owners := map[string]bool{}
	for _, entry := range object.ManagedFields {
		owners[entry.Manager] = string(entry.FieldsV1.Raw) == fmt.Sprintf(`{"f:data":{"f:%s":{}}}`, "key"+entry.Manager[len("manager-"):])
	}
	for index := range clients {
		if value := object.Data[keyOf(index)]; value != strconv.Itoa(last[index]) {
			problems = append(problems, fmt.Sprintf("the shared ConfigMap has %s=%s, its manager applied %d", keyOf(index), value, last[index]))
		}
		if !owners[managerOf(index)] {
			problems = append(problems, fmt.Sprintf("managedFields of the shared ConfigMap do not give %s to %s alone: %v", keyOf(index), managerOf(index), object.ManagedFields))
		}
	}
	if err := applyKey(clients[0], namespace, "intruder", keyOf(0), "stolen"); !errors.IsConflict(err) {
		problems = append(problems, fmt.Sprintf("applying a key of another manager must be a conflict, but was %v", err))
	}
	return problems
}

// isAnswer tells an answer of the API from one that was not given.
func isAnswer(err error) bool {
	return !errors.IsServiceUnavailable(err) && !errors.IsTimeout(err) && !errors.IsServerTimeout(err) && !errors.IsTooManyRequests(err) &&
		errors.ReasonForError(err) != metav1.StatusReasonUnknown
}

func managerOf(index int) string { return fmt.Sprintf("manager-%d", index) }
func keyOf(index int) string     { return fmt.Sprintf("key%d", index) }
