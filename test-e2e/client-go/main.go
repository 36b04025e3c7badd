// Command client-go uses API servers as controllers written in Go do, while somebody kills them: typed, dynamic and
// metadata informers, watches that resume, leader election and server-side apply. It prints what it saw as JSON and fails
// when that is not exactly what its writers wrote.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	dialTimeout    = 3 * time.Second
	catchUpTimeout = 90 * time.Second
	writersPerKind = 2
	objectsEach    = 3
	candidates     = 3
)

type options struct {
	kubeconfig string
	addresses  []string
	namespace  string
	duration   time.Duration
	seed       uint64
}

// Report is what the program prints.
type Report struct {
	Writes      int            `json:"writes"`
	Retries     int            `json:"retries"`
	Events      map[string]int `json:"events"`
	Syncs       map[string]int `json:"syncs"`
	Terms       int            `json:"terms"`
	LeaseEvents int            `json:"leaseEvents"`
	Applies     int            `json:"applies"`
	Problems    []string       `json:"problems"`
}

func main() {
	var given options
	servers := ""
	flag.StringVar(&given.kubeconfig, "kubeconfig", "", "kubeconfig of an administrator")
	flag.StringVar(&servers, "servers", "", "comma-separated URLs of all replicas; a connection goes to any that takes it")
	flag.StringVar(&given.namespace, "namespace", "client-go", "namespace to write in, made when absent")
	flag.DurationVar(&given.duration, "duration", time.Minute, "how long to write")
	flag.Uint64Var(&given.seed, "seed", 1, "decides what the writers do")
	flag.Parse()
	for _, server := range strings.Split(servers, ",") {
		if parsed, err := url.Parse(server); err == nil && parsed.Host != "" {
			given.addresses = append(given.addresses, parsed.Host)
		}
	}
	report, err := run(given)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil || len(report.Problems) > 0 {
		os.Exit(1)
	}
}

// connect makes a configuration with a connection of its own, to whichever replica takes it, another one first each time.
func connect(given options, counter *atomic.Uint32) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", given.kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = -1, 0 // the server's limits are the ones to be tested
	config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialer := net.Dialer{Timeout: dialTimeout}
		var last error
		for range given.addresses {
			next := given.addresses[int(counter.Add(1))%len(given.addresses)]
			connection, err := dialer.DialContext(ctx, network, next)
			if err == nil {
				return connection, nil
			}
			last = err
		}
		return nil, last
	}
	return config, nil
}

func run(given options) (*Report, error) {
	if len(given.addresses) == 0 {
		return nil, fmt.Errorf("-servers must name at least one URL")
	}
	var counter atomic.Uint32
	clients, err := manyClients(given, &counter)
	if err != nil {
		return nil, err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: given.namespace}}
	if _, err := clients[0].CoreV1().Namespaces().Create(context.Background(), namespace, metav1.CreateOptions{}); err != nil && !errors.IsAlreadyExists(err) {
		return nil, err
	}
	watching, stopWatching := context.WithCancel(context.Background())
	defer stopWatching()
	observers, err := observe(watching, given, &counter)
	if err != nil {
		return nil, err
	}
	writing, stopWriting := context.WithTimeout(context.Background(), given.duration)
	defer stopWriting()
	election, err := elect(writing, clients[:candidates], given.namespace)
	if err != nil {
		return nil, err
	}
	shared := shareByApply(writing, clients[candidates:], given.namespace)
	if err := write(writing, given, &counter, observers); err != nil {
		return nil, err
	}
	report := &Report{Events: map[string]int{}, Syncs: map[string]int{}, Problems: []string{}}
	applies, problems := shared()
	report.Applies, report.Problems = applies, append(report.Problems, problems...)
	observers.report(report)
	report.Terms, report.LeaseEvents = int(election.terms.Load()), election.events
	report.Problems = append(report.Problems, election.problems...)
	return report, nil
}

func manyClients(given options, counter *atomic.Uint32) ([]kubernetes.Interface, error) {
	var clients []kubernetes.Interface
	for range 2 * candidates {
		config, err := connect(given, counter)
		if err != nil {
			return nil, err
		}
		// As controllers do that prefer protobuf: the server answers in JSON, which it may.
		config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return nil, err
		}
		clients = append(clients, client)
	}
	return clients, nil
}

// write runs all writers until the context ends; each finishes the write it is at.
func write(ctx context.Context, given options, counter *atomic.Uint32, observers *observers) error {
	done := make(chan struct{})
	count := 0
	for kind, ledger := range observers.ledgers {
		for number := range writersPerKind {
			target, err := newTarget(kind, given, counter)
			if err != nil {
				return err
			}
			id := fmt.Sprintf("%s-%d", kind, number)
			names := make([]string, objectsEach)
			for index := range names {
				names[index] = fmt.Sprintf("%s-%d", id, index)
			}
			random := rand.New(rand.NewPCG(given.seed, uint64(count)))
			writer := &writer{target: target, names: names, random: random, ledger: ledger, id: id}
			count++
			go func() {
				writer.run(ctx)
				done <- struct{}{}
			}()
		}
	}
	for range count {
		<-done
	}
	return nil
}
