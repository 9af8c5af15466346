package server

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"socorro"
)

// Metrics lists every metric of the package.
func Metrics() []socorro.Metric {
	return []socorro.Metric{
		{Name: "socorro_collector_health_total", Kind: "counter", Labels: []string{"endpoint"}, Help: "Health requests by endpoint (lbheartbeat, heartbeat, version, broken, healthcheck).", Seed: "collector.health.*.count"},
		{Name: "socorro_http_requests_total", Kind: "counter", Labels: []string{"method", "route", "status"}, Help: "Requests by method, route and class of status (2xx, 4xx)."},
		{Name: "socorro_http_request_seconds", Kind: "histogram", Labels: []string{"route"}, Help: "Time to answer a request."},
		{Name: "socorro_http_requests_in_flight", Kind: "gauge", Help: "Requests that are being answered."},
	}
}

type metrics struct {
	health, requests *prometheus.CounterVec
	seconds          *prometheus.HistogramVec
	inFlight         prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	table := Metrics()
	counter := func(m socorro.Metric) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: m.Name, Help: m.Help}, m.Labels)
	}
	m := &metrics{
		health:   counter(table[0]),
		requests: counter(table[1]),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: table[2].Name, Help: table[2].Help, Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
		}, table[2].Labels),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: table[3].Name, Help: table[3].Help}),
	}
	for _, c := range []prometheus.Collector{m.health, m.requests, m.seconds, m.inFlight} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("http/server: register metrics: %w", err)
		}
	}
	return m, nil
}
