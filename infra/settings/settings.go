package settings

import "daybook"

// Architecture is the instruction set of the functions, named as Lambda does.
type Architecture string

// The architectures.
const (
	ARM64 Architecture = "arm64"
	X8664 Architecture = "x86_64"
)

// API is the kind of API Gateway in front of the functions.
type API string

// The kinds of APIs.
const (
	HTTP API = "http" // API Gateway v2: cheaper and faster, verifies JWTs of any issuer
	REST API = "rest" // API Gateway v1: problem answers from the gateway too, X-Ray, WAF; LocalStack's free plan has only this
)

// Authorization is how a request has to prove who sends it.
type Authorization string

// The kinds of authorization.
const (
	IAM  Authorization = "iam"  // AWS Signature Version 4
	JWT  Authorization = "jwt"  // a bearer token of an OpenID Connect issuer
	None Authorization = "none" // open to everybody who knows the address
)

// RemovalPolicy is the fate of stored data when the stack, or a resource of
// it, is deleted.
type RemovalPolicy string

// The removal policies.
const (
	Retain  RemovalPolicy = "retain"  // data stays, tables refuse deletion
	Destroy RemovalPolicy = "destroy" // data goes with the stack
)

// Profile is a set of defaults.
type Profile string

// The profiles.
const (
	Standard   Profile = "standard"   // cheapest: an idle deployment costs little
	Production Profile = "production" // what a business should not run without, at its price
)

// Rollout is how a new version of a function gets its invocations.
type Rollout string

// The rollouts.
const (
	AtOnce Rollout = "at-once" // the functions are replaced in place
	Canary Rollout = "canary"  // a tenth for five minutes, then all; back when an alarm rings
)

// FunctionSet is which functions the stack has.
type FunctionSet string

// The sets of functions.
const (
	AllFunctions FunctionSet = "all"
	NoFunctions  FunctionSet = "none" // and no API, event source mappings, alarms and dashboard
)

// The values of Settings.KMSKey besides the ARN of a key.
const (
	KeyOfAWS   = "aws-owned" // encrypted with keys that AWS owns, at no cost
	KeyCreated = "create"    // a customer managed key of the stack, rotated every year
)

// Settings are the parameters of a deployment. Load fills them; the zero value
// is not valid.
type Settings struct {
	Profile Profile
	App     string // name of the application
	Stage   string // part of every physical name: <app>-<stage>
	Account string // 12 digits; "" for a template that fits any account
	Region  string // "" for a template that fits any region

	RemovalPolicy RemovalPolicy
	KMSKey        string   // KeyOfAWS, KeyCreated, or the ARN of a key
	Tags          []string // name=value
	BackupDays    int      // 0 for no backups
	BackupCopyTo  string   // ARN of a backup vault; "" for none

	Functions       FunctionSet
	Architecture    Architecture
	CommandMemory   int // MB
	QueryMemory     int // MB
	ProjectorMemory int // MB
	ProcessMemory   int // MB
	Tracing         bool
	OTLP            string // URL of an OpenTelemetry collector; "" for none
	Rollout         Rollout

	ProjectorConcurrency int // reserved; 0 for none
	ProcessConcurrency   int // reserved; 0 for none

	LogLevel     string // debug, info, warn or error
	LogRetention int    // days, one of CloudWatch's

	API             API
	Authorization   Authorization
	JWTIssuer       string   // https URL
	JWTAudience     []string // accepted values of the claims aud or client_id
	WriteScope      string   // a token needs it to send commands
	ReadScope       string   // a token needs it to query views
	HistoryScope    string   // a token needs it to read events under /streams/
	TenantIsolation bool     // whether Lambda keeps execution environments apart by tenant
	CORSOrigins     []string
	ThrottleRate    int // requests per second, over all callers
	ThrottleBurst   int // requests at once
	ClientRate      int // requests in five minutes from an address; 0 for no limit
	DomainName      string
	Certificate     string // ARN of an ACM certificate for DomainName
	AccessLogCaller bool   // whether access logs name the caller
	AccessLogRole   bool   // whether the stack sets API Gateway's role for logs in this account and region

	BatchSize     int // records
	BatchWindow   int // seconds
	RetryAttempts int
	RecordAge     int // seconds

	ProcessBatchSize int    // records
	QueueConcurrency int    // batches of queued commands at once
	EventBus         string // name or ARN of one that is there; "" for one of the deployment's own

	AlarmTopic    string // ARN of an SNS topic; "" for alarms that tell nobody
	LagAlarm      int    // seconds
	ConflictAlarm int    // percent of commands; 0 for no such alarm
	LatencyAlarm  int    // milliseconds; 0 for no such alarm
	QuietAlarm    int    // requests an hour; 0 for no such alarm
	SilenceAlarm  bool
}

// Prefix is what the physical names of the deployment begin with.
func (s Settings) Prefix() string { return s.Application().Prefix(s.Stage) }

// Application names the application; it lists nothing of it.
func (s Settings) Application() daybook.App { return daybook.App{Name: s.App} }

// OpenToAll reports whether anybody may send commands and read.
func (s Settings) OpenToAll() bool { return s.Authorization == None }
