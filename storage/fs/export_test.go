package fs

// PublicText is what Telemetry writes of a processed crash.
var PublicText = publicText
