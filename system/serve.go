package system

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"
)

// Serve is `socorro serve`, and every setting of the server. A flag wins over
// its environment variable, that over the default.
type Serve struct {
	Data      string   `help:"Directory for crashes, queue and index; made when missing." default:"crash-data" env:"SOCORRO_DATA" type:"path"`
	Listen    string   `help:"Address to listen on, as HOST:PORT; port 0 takes a free one." default:"127.0.0.1:8000" env:"SOCORRO_LISTEN"`
	Roles     []string `help:"What this process does: any of ${enum}." enum:"collector,processor,webapp,cron" default:"collector,processor,webapp,cron" env:"SOCORRO_ROLES"`
	Symbols   []string `help:"Where symbol files are: a directory in Breakpad's layout or the URL of a symbol server; repeatable, asked in order." placeholder:"DIR_OR_URL" env:"SOCORRO_SYMBOLS" sep:"none"`
	SigLists  string   `name:"siglists" help:"Directory whose signature lists replace the built-in ones." placeholder:"DIR" env:"SOCORRO_SIGLISTS" type:"existingdir"`
	Throttler string   `help:"Which uploads to take: ${enum}." enum:"accept_all,mozilla" default:"accept_all" env:"SOCORRO_THROTTLER"`
	Telemetry string   `help:"Also export the public fields of every crash to this directory." placeholder:"DIR" env:"SOCORRO_TELEMETRY" type:"path"`

	Processors      int           `help:"Crashes processed at the same time; 0 means one per CPU." default:"0" env:"SOCORRO_PROCESSORS"`
	ProcessTimeout  time.Duration `help:"Give up processing one crash after this long." default:"10m" env:"SOCORRO_PROCESS_TIMEOUT"`
	SymbolCache     int           `help:"Memory for parsed symbols, in MiB." default:"256" env:"SOCORRO_SYMBOL_CACHE"`
	MaxBody         int           `help:"Largest upload on the wire, in MiB." default:"64" env:"SOCORRO_MAX_BODY"`
	BearerToken     string        `help:"Token with which a submitter may choose the crash id; none by default." env:"BREAKPAD_STAGE_SUBMITTER_BEARER_TOKEN" secret:"true"`
	Strict          bool          `help:"Refuse what Socorro's collector refuses, such as chunked bodies, and take uploads at /submit only." env:"SOCORRO_STRICT"`
	CollectorRules  string        `help:"File with throttle rules, aliases and end-of-life versions (docs/collector.md)." placeholder:"FILE" env:"SOCORRO_COLLECTOR_RULES" type:"existingfile"`
	Products        []string      `help:"Products that the mozilla rules take instead of Mozilla's; repeatable." placeholder:"NAME" env:"SOCORRO_PRODUCTS"`
	Strip           []string      `help:"Annotations that are removed at the door; give an empty value to keep all." placeholder:"NAME" default:"Email,TelemetryClientId,TelemetryServerURL,TelemetrySessionId" env:"SOCORRO_STRIP"`
	PublicURL       string        `help:"Where people reach this server, for links in answers; by default as the client did." placeholder:"URL" env:"SOCORRO_PUBLIC_URL"`
	MaxInflated     int           `help:"Largest upload after decompression, in MiB." default:"256" env:"SOCORRO_MAX_INFLATED"`
	MaxParts        int           `help:"Most parts of a multipart upload." default:"1000" env:"SOCORRO_MAX_PARTS"`
	MaxAnnotation   int           `help:"Largest annotation, in KiB; a larger one is dropped with a note." default:"4096" env:"SOCORRO_MAX_ANNOTATION"`
	MaxAnnotations  int           `help:"Largest sum of all annotations, in KiB." default:"16384" env:"SOCORRO_MAX_ANNOTATIONS"`
	MaxUploads      int           `help:"Uploads received at the same time; more wait, then get 503." default:"8192" env:"SOCORRO_MAX_UPLOADS"`
	UploadIdle      time.Duration `help:"Longest pause of a client within its upload." default:"30s" env:"SOCORRO_UPLOAD_IDLE"`
	UploadTime      time.Duration `help:"Longest time for a whole upload." default:"10m" env:"SOCORRO_UPLOAD_TIME"`
	MinFree         int           `help:"Disk space that uploads leave free, in MiB; with less, they get 503." default:"256" env:"SOCORRO_MIN_FREE"`
	DuplicateWindow time.Duration `help:"A report that is sent again within this time gets its first crash id and makes no second crash; 0 turns that off." default:"24h" env:"SOCORRO_DUPLICATE_WINDOW"`
	ProtectedData   string        `help:"Who sees protected data (raw dumps, comments, URLs): nobody, or everybody who reaches this server." enum:"nobody,everybody" default:"nobody" env:"SOCORRO_PROTECTED_DATA"`
	BackoffInitial  time.Duration `help:"First wait after a destination failed; it doubles from there." default:"1s" env:"SOCORRO_BACKOFF_INITIAL"`
	BackoffMax      time.Duration `help:"Longest wait between two tries of a destination." default:"5m" env:"SOCORRO_BACKOFF_MAX"`
	ShutdownTimeout time.Duration `help:"Time to finish what is running after SIGTERM." default:"30s" env:"SOCORRO_SHUTDOWN_TIMEOUT"`
	InjectFaults    []string      `help:"Rehearse an outage: make a destination fail on purpose, as NAME:down or NAME:error=N,panic=N (every Nth save)." placeholder:"NAME:FAULTS" env:"SOCORRO_INJECT_FAULTS" sep:"none"`

	LogFormat string `help:"Form of the log on standard error: ${enum}." enum:"json,text" default:"json" env:"SOCORRO_LOG_FORMAT"`
	LogLevel  string `help:"Least level that is logged: ${enum}." enum:"debug,info,warn,error" default:"info" env:"SOCORRO_LOG_LEVEL"`
}

// Run serves until ctx ends (SIGTERM or Ctrl-C), drains, and returns.
func (c *Serve) Run(ctx context.Context, s Streams) error {
	log := c.logger(s)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.Listen, err)
	}
	defer listener.Close() // again after the server closed it, which is harmless
	node, err := c.build(ctx, log)
	if err != nil {
		return err
	}
	log.Info("serving", "url", "http://"+listener.Addr().String()+"/", "data", c.Data, "roles", c.Roles, "version", version)
	return node.run(ctx, listener)
}

func (c *Serve) role(name string) bool { return slices.Contains(c.Roles, name) }

func (c *Serve) logger(s Streams) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo // kong lets no other text through
	}
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(s.Err, options))
	}
	return slog.New(slog.NewJSONHandler(s.Err, options))
}
