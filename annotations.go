package socorro

// Clients name the same thing differently: Mozilla and Breakpad hosts send
// ProductName, Electron sends _productName beside prod=Electron, Crashpad sends
// prod or, in the query string, product. The names are in order of trust.
var (
	productKeys     = []string{"_productName", "ProductName", "product", "appName", "prod"}
	versionKeys     = []string{"_version", "Version", "version", "appVersion", "ver"}
	buildKeys       = []string{"BuildID", "build_id", "buildid"}
	channelKeys     = []string{"ReleaseChannel", "channel"}
	processTypeKeys = []string{"ProcessType", "process_type", "ptype"}
)

// Product is the crashed product's name under whatever key the client sent it.
func (a Annotations) Product() string { return a.First(productKeys...) }

// Version is the crashed product's version under whatever key the client sent it.
func (a Annotations) Version() string { return a.First(versionKeys...) }

// BuildID is the product's build, usually YYYYMMDDHHMMSS.
func (a Annotations) BuildID() string { return a.First(buildKeys...) }

// ReleaseChannel is "release", "beta", "nightly" and the like; "" when not sent.
func (a Annotations) ReleaseChannel() string { return a.First(channelKeys...) }

// ProcessType is the kind of process that crashed: "browser", "renderer", "gpu"; "" when not sent.
func (a Annotations) ProcessType() string { return a.First(processTypeKeys...) }
