/** Bounds of kube-apiserver's histograms, so that dashboards and alerts made for it read ours. */

/** Source: k8s.io/apiserver/pkg/endpoints/metrics/metrics.go, `apiserver_request_duration_seconds`. */
export const requestSeconds = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
/** `apiserver_response_sizes`: 1 KB to 1 GB. */
export const responseBytes = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/** `apiserver_watch_events_sizes`: doubling from 1 KiB. */
export const eventBytes = [1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072];
/** `apiserver_flowcontrol_request_wait_duration_seconds`. */
export const waitSeconds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
/** `apiserver_flowcontrol_work_estimated_seats`. */
export const seatCounts = [1, 2, 4, 10];
