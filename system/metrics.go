package system

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"socorro"
	"socorro/actors/kit"
	"socorro/http/collect"
	"socorro/http/server"
	"socorro/stackwalk/symbols"
)

// Metrics of the engine. The collector and the server have tables of their own.
const (
	mCrash        = "socorro_processor_process_crash_seconds"
	mSaved        = "socorro_processor_save_raw_and_processed_total"
	mSave         = "socorro_processor_destination_save_seconds"
	mRestarts     = "socorro_actor_restarts_total"
	mBackoff      = "socorro_actor_backoff_seconds"
	mCredits      = "socorro_dispatcher_credits"
	mJob          = "socorro_cron_job_run_seconds"
	mQueue        = "socorro_queue_crashes"
	mOldest       = "socorro_queue_oldest_seconds"
	mOutbox       = "socorro_outbox_deliveries"
	mSymbolLookup = "socorro_symbols_lookups_total"
	mSymbolBytes  = "socorro_symbols_cache_bytes"
)

func engineMetrics() []socorro.Metric {
	return []socorro.Metric{
		{Name: mCrash, Kind: "histogram", Labels: []string{"outcome"}, Help: "Time from claim to answer of a crash, by outcome (committed, retry, unavailable, parked, released, lost, failed).", Seed: "processor.process_crash"},
		{Name: mSaved, Kind: "counter", Help: "Crashes processed, saved and handed to every destination's outbox.", Seed: "processor.save_raw_and_processed"},
		{Name: mSave, Kind: "histogram", Labels: []string{"destination", "outcome"}, Help: "Time of one try to save to a destination, by outcome (saved, retry, suspect, permanent).", Seed: "processor.<destination>.save_raw_and_processed"},
		{Name: mRestarts, Kind: "counter", Labels: []string{"kind"}, Help: "Actors restarted after a panic, by kind."},
		{Name: mBackoff, Kind: "gauge", Labels: []string{"actor"}, Help: "How long the actor waits before it tries again; 0 when it works."},
		{Name: mCredits, Kind: "gauge", Labels: []string{"state"}, Help: "How many more crashes may be taken up (free), and how many at most (total)."},
		{Name: mJob, Kind: "histogram", Labels: []string{"job", "result"}, Help: "Time of one run of a cron job.", Seed: "cron.job_run"},
		{Name: mQueue, Kind: "gauge", Labels: []string{"state"}, Help: "Crashes in the queue, by state."},
		{Name: mOldest, Kind: "gauge", Help: "How long the longest waiting crash has waited."},
		{Name: mOutbox, Kind: "gauge", Labels: []string{"destination", "state"}, Help: "Deliveries in a destination's outbox (waiting, parked)."},
		{Name: mSymbolLookup, Kind: "counter", Labels: []string{"result"}, Help: "Symbol lookups that the cache in memory answered (hit) or passed on (miss)."},
		{Name: mSymbolBytes, Kind: "gauge", Help: "Memory of parsed symbols."},
	}
}

// allMetrics is every metric of ours, by name, for the documentation.
func allMetrics() []socorro.Metric {
	all := slices.Concat(collect.Metrics(), server.Metrics(), engineMetrics())
	slices.SortFunc(all, func(a, b socorro.Metric) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// instruments makes what engineMetrics describes.
type instruments struct {
	registry *prometheus.Registry
	table    map[string]socorro.Metric
}

func newInstruments() *instruments {
	in := &instruments{registry: prometheus.NewRegistry(), table: map[string]socorro.Metric{}}
	for _, m := range engineMetrics() {
		in.table[m.Name] = m
	}
	in.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return in
}

func (in *instruments) histogram(name string) *prometheus.HistogramVec {
	m := in.table[name]
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: m.Name, Help: m.Help, Buckets: prometheus.ExponentialBuckets(0.001, 4, 10)}, m.Labels)
	in.registry.MustRegister(h)
	return h
}

func (in *instruments) counter(name string) *prometheus.CounterVec {
	m := in.table[name]
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: m.Name, Help: m.Help}, m.Labels)
	in.registry.MustRegister(c)
	return c
}

func (in *instruments) gauge(name string) *prometheus.GaugeVec {
	m := in.table[name]
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: m.Name, Help: m.Help}, m.Labels)
	in.registry.MustRegister(g)
	return g
}

// actors is where the engine counts.
func (in *instruments) actors() *kit.Metrics {
	crash, saved, save := in.histogram(mCrash), in.counter(mSaved).WithLabelValues(), in.histogram(mSave)
	restarts, backoff, credits, job := in.counter(mRestarts), in.gauge(mBackoff), in.gauge(mCredits), in.histogram(mJob)
	return &kit.Metrics{
		Crash: func(outcome string, took time.Duration) {
			crash.WithLabelValues(outcome).Observe(took.Seconds())
			if outcome == "committed" {
				saved.Inc()
			}
		},
		Save: func(destination, outcome string, took time.Duration) {
			save.WithLabelValues(destination, outcome).Observe(took.Seconds())
		},
		Restart: func(kind string) { restarts.WithLabelValues(kind).Inc() },
		Backoff: func(path string, wait time.Duration) { backoff.WithLabelValues(path).Set(wait.Seconds()) },
		Credits: func(free, total int) {
			credits.WithLabelValues("free").Set(float64(free))
			credits.WithLabelValues("total").Set(float64(total))
		},
		Job: func(name, outcome string, took time.Duration) {
			job.WithLabelValues(name, outcome).Observe(took.Seconds())
		},
	}
}

// watch exports what is read when Prometheus asks: queue depth and symbol cache.
func (in *instruments) watch(depth func() (socorro.QueueDepth, error), cache *symbols.Cache) {
	in.registry.MustRegister(&depthCollector{depth: depth, cache: cache, desc: in.describe(mQueue, mOldest, mOutbox, mSymbolLookup, mSymbolBytes)})
}

func (in *instruments) describe(names ...string) map[string]*prometheus.Desc {
	all := map[string]*prometheus.Desc{}
	for _, name := range names {
		all[name] = prometheus.NewDesc(name, in.table[name].Help, in.table[name].Labels, nil)
	}
	return all
}

type depthCollector struct {
	depth func() (socorro.QueueDepth, error)
	cache *symbols.Cache
	desc  map[string]*prometheus.Desc
}

func (d *depthCollector) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range d.desc {
		out <- desc
	}
}

func (d *depthCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(name string, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d.desc[name], prometheus.GaugeValue, v, labels...)
	}
	depth, err := d.depth()
	if err != nil {
		out <- prometheus.NewInvalidMetric(d.desc[mQueue], err)
		return
	}
	for _, state := range []socorro.CrashState{socorro.Queued, socorro.Claimed, socorro.Done, socorro.Parked, socorro.Deferred} {
		gauge(mQueue, float64(depth.ByState[state]), string(state))
	}
	oldest := 0.0
	if !depth.Oldest.IsZero() {
		oldest = time.Since(depth.Oldest).Seconds()
	}
	gauge(mOldest, oldest)
	for name, out := range depth.Outbox {
		gauge(mOutbox, float64(out.Waiting), name, "waiting")
		gauge(mOutbox, float64(out.Parked), name, "parked")
	}
	if d.cache == nil {
		return
	}
	stats := d.cache.Stats()
	for result, n := range map[string]int64{"hit": stats.Hits, "miss": stats.Misses} {
		out <- prometheus.MustNewConstMetric(d.desc[mSymbolLookup], prometheus.CounterValue, float64(n), result)
	}
	gauge(mSymbolBytes, float64(stats.Bytes))
}
