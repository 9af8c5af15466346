package socorro

// Metric describes one metric: it is made from this, and so is its
// documentation.
type Metric struct {
	Name   string   // in Prometheus: "socorro_processor_process_crash_seconds"
	Kind   string   // "counter", "gauge" or "histogram"
	Labels []string // names
	Help   string
	Seed   string // the name of the same thing in Socorro; "" when it is ours
}
