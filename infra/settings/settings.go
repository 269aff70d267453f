package settings

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
	REST API = "rest" // API Gateway v1: problem answers from the gateway too, X-Ray, WAF; LocalStack's free plan has it alone
)

// Authorization is how a request has to prove who sends it.
type Authorization string

// The kinds of authorization.
const (
	IAM  Authorization = "iam"  // AWS Signature Version 4
	JWT  Authorization = "jwt"  // a bearer token of an OpenID Connect issuer
	None Authorization = "none" // open to everybody who knows the address
)

// RemovalPolicy is what becomes of stored data when the stack, or a resource of
// it, is deleted.
type RemovalPolicy string

// The removal policies.
const (
	Retain  RemovalPolicy = "retain"  // data stays, tables refuse deletion
	Destroy RemovalPolicy = "destroy" // data goes with the stack
)

// The values of Settings.KMSKey besides the ARN of a key.
const (
	KeyOfAWS   = "aws-owned" // encrypted with keys that AWS owns, at no cost
	KeyCreated = "create"    // a customer managed key of the stack, rotated every year
)

// Settings are the parameters of a deployment. Load fills them; the zero value
// is not valid.
type Settings struct {
	Stage   string // part of every physical name: daybook-<stage>
	Account string // 12 digits; "" for a template that fits any account
	Region  string // "" for a template that fits any region

	RemovalPolicy RemovalPolicy
	KMSKey        string // KeyOfAWS, KeyCreated, or the ARN of a key

	Architecture    Architecture
	CommandMemory   int // MB
	QueryMemory     int // MB
	ProjectorMemory int // MB
	ProcessMemory   int // MB
	Tracing         bool
	LogLevel        string // debug, info, warn or error
	LogRetention    int    // days, one of CloudWatch's

	API           API
	Authorization Authorization
	JWTIssuer     string   // https URL
	JWTAudience   []string // accepted values of the claims aud or client_id
	WriteScope    string   // a token needs it to send commands
	ReadScope     string   // a token needs it to query views
	HistoryScope  string   // a token needs it to read events under /streams/
	CORSOrigins   []string
	ThrottleRate  int // requests per second, over all callers
	ThrottleBurst int // requests at once
	DomainName    string
	Certificate   string // ARN of an ACM certificate for DomainName
	AccessLogRole bool   // whether the stack sets API Gateway's role for logs in this account and region

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
}

// Prefix is what the physical names of the deployment begin with.
func (s Settings) Prefix() string { return "daybook-" + s.Stage }

// OpenToAll reports whether anybody may send commands and read.
func (s Settings) OpenToAll() bool { return s.Authorization == None }
