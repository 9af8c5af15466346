package collect

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"socorro"
)

const prefix = "socorro_collector_"

// Metrics lists every metric of the package. The metrics are made from this
// table, and so is their documentation.
func Metrics() []socorro.Metric {
	describe := func(kind string) func(name, seed, help string, labels ...string) socorro.Metric {
		return func(name, seed, help string, labels ...string) socorro.Metric {
			return socorro.Metric{Name: prefix + name, Kind: kind, Labels: labels, Help: help, Seed: seed}
		}
	}
	counter, histogram, gauge := describe("counter"), describe("histogram"), describe("gauge")
	return []socorro.Metric{
		counter("breakpad_resource_incoming_crash_total", "collector.breakpad_resource.incoming_crash", "Well-formed crash reports received."),
		counter("breakpad_resource_gzipped_crash_total", "collector.breakpad_resource.gzipped_crash", "Crash reports received with a compressed body."),
		histogram("breakpad_resource_gzipped_crash_decompress_seconds", "collector.breakpad_resource.gzipped_crash_decompress", "Time spent decompressing a body, by result (success, fail).", "result"),
		histogram("breakpad_resource_crash_size_bytes", "collector.breakpad_resource.crash_size", "Decompressed size of a body, by payload (compressed, uncompressed).", "payload"),
		counter("breakpad_resource_malformed_total", "collector.breakpad_resource.malformed", "Uploads refused because they are malformed, by reason.", "reason"),
		counter("breakpad_resource_throttle_rule_total", "collector.breakpad_resource.throttle_rule", "Crash reports by the throttle rule that decided about them.", "rule"),
		counter("breakpad_resource_throttle_total", "collector.breakpad_resource.throttle", "Crash reports by throttle result (accept, defer, reject, fakeaccept).", "result"),
		counter("breakpad_resource_unauthorized_uuid_total", "collector.breakpad_resource.unauthorized_uuid", "Crash reports refused because they bring a crash id without the right to."),
		histogram("breakpad_resource_on_post_seconds", "collector.breakpad_resource.on_post.time", "Time from the request's header to the answer."),
		histogram("crashmover_crash_save_seconds", "collector.crashmover.crash_save.time", "Time to make an accepted crash durable."),
		counter("crashmover_save_crash_total", "collector.crashmover.save_crash.count", "Crashes made durable."),
		counter("crashmover_save_crash_dropped_total", "collector.crashmover.save_crash_dropped.count", "Accepted crashes that could not be made durable; their clients got a 5xx."),
		gauge("uploads_in_flight", "", "Uploads that are being received or saved."),
		counter("upload_aborted_total", "", "Uploads whose client went away before the end of its body."),
		counter("upload_turned_away_total", "", "Uploads answered 503 before their body was read, by reason (busy, no_room).", "reason"),
		counter("upload_duplicate_total", "", "Reports that were sent again and got their first crash id."),
		gauge("spool_waiting_crashes", "collector.breakpad_resource.save_queue_size", "Answered crashes that the crash store does not have yet."),
		gauge("spool_parked_crashes", "", "Answered crashes that the crash store refuses for good; the log says why."),
		counter("receipt_failed_total", "", "Receipts that could not be written; the crashes are safe."),
	}
}

type metrics struct {
	incoming, compressed, unauthorized, saved, dropped, aborted, duplicate, receipts prometheus.Counter
	malformed, rule, result, away                                                    *prometheus.CounterVec
	decompress, size                                                                 *prometheus.HistogramVec
	onPost, save                                                                     prometheus.Histogram
	inFlight                                                                         prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer, spooled func() (waiting, parked int)) (*metrics, error) {
	var err error
	add := func(c prometheus.Collector) {
		if e := reg.Register(c); e != nil && err == nil {
			err = fmt.Errorf("http/collect: register metrics: %w", e)
		}
	}
	table := map[string]socorro.Metric{}
	for _, m := range Metrics() {
		table[m.Name] = m
	}
	of := func(name string) socorro.Metric { return table[prefix+name] }
	counters := func(name string) *prometheus.CounterVec {
		m := of(name)
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: m.Name, Help: m.Help}, m.Labels)
		add(c)
		return c
	}
	histograms := func(name string, buckets []float64) *prometheus.HistogramVec {
		m := of(name)
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: m.Name, Help: m.Help, Buckets: buckets}, m.Labels)
		add(h)
		return h
	}
	counter := func(name string) prometheus.Counter { return counters(name).WithLabelValues() }
	seconds := prometheus.ExponentialBuckets(0.001, 4, 9) // 1 ms to 65 s
	bytes := prometheus.ExponentialBuckets(4<<10, 4, 9)   // 4 KiB to 256 MiB
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: of("uploads_in_flight").Name, Help: of("uploads_in_flight").Help})
	add(gauge)
	for name, value := range map[string]func() float64{
		"spool_waiting_crashes": func() float64 { n, _ := spooled(); return float64(n) },
		"spool_parked_crashes":  func() float64 { _, n := spooled(); return float64(n) },
	} {
		add(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: of(name).Name, Help: of(name).Help}, value))
	}
	m := &metrics{
		incoming:     counter("breakpad_resource_incoming_crash_total"),
		compressed:   counter("breakpad_resource_gzipped_crash_total"),
		decompress:   histograms("breakpad_resource_gzipped_crash_decompress_seconds", seconds),
		size:         histograms("breakpad_resource_crash_size_bytes", bytes),
		malformed:    counters("breakpad_resource_malformed_total"),
		rule:         counters("breakpad_resource_throttle_rule_total"),
		result:       counters("breakpad_resource_throttle_total"),
		unauthorized: counter("breakpad_resource_unauthorized_uuid_total"),
		onPost:       histograms("breakpad_resource_on_post_seconds", seconds).WithLabelValues().(prometheus.Histogram),
		save:         histograms("crashmover_crash_save_seconds", seconds).WithLabelValues().(prometheus.Histogram),
		saved:        counter("crashmover_save_crash_total"),
		dropped:      counter("crashmover_save_crash_dropped_total"),
		inFlight:     gauge,
		aborted:      counter("upload_aborted_total"),
		away:         counters("upload_turned_away_total"),
		duplicate:    counter("upload_duplicate_total"),
		receipts:     counter("receipt_failed_total"),
	}
	return m, err
}
