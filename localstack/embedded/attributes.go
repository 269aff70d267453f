package embedded

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// alter changes a table's definition and logs it.
func (db *DB) alter(name string, change func(d *definition) error) error {
	t, unlock, err := db.lockSchema(name)
	if err != nil {
		return err
	}
	defer unlock()
	d := t.def.clone()
	if err := change(&d); err != nil {
		return err
	}
	return db.changeSchema(schemaChange{Tables: []definition{d}})
}

type timeToLiveRequest struct {
	TableName               string
	TimeToLiveSpecification *timeToLiveSpecification
}

type timeToLiveSpecification struct {
	AttributeName string
	Enabled       *bool
}

func (in *timeToLiveRequest) check(c *checks) {
	checkTableName(c, in.TableName, "tableName")
	spec := in.TimeToLiveSpecification
	c.required(spec != nil, "timeToLiveSpecification")
	if spec != nil {
		checkAttributeName(c, spec.AttributeName, "timeToLiveSpecification.attributeName")
		c.required(spec.Enabled != nil, "timeToLiveSpecification.enabled")
	}
}

func (db *DB) updateTimeToLive(in *timeToLiveRequest) (any, error) {
	spec := in.TimeToLiveSpecification
	err := db.alter(in.TableName, func(d *definition) error {
		switch {
		case *spec.Enabled && d.TTL == spec.AttributeName:
			return validation("TimeToLive is already enabled")
		case *spec.Enabled && d.TTL != "":
			return validation("TimeToLive is active on a different AttributeName: current AttributeName is " + d.TTL)
		case !*spec.Enabled && d.TTL == "":
			return validation("TimeToLive is already disabled")
		case !*spec.Enabled && d.TTL != spec.AttributeName:
			return validation("TimeToLive is active on a different AttributeName: current AttributeName is " + d.TTL)
		case *spec.Enabled:
			d.TTL = spec.AttributeName
		default:
			d.TTL = ""
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	db.wakeSweeper()
	return struct{ TimeToLiveSpecification *timeToLiveSpecification }{spec}, nil
}

func (db *DB) describeTimeToLive(in *tableNameRequest) (any, error) {
	var out struct {
		TimeToLiveDescription struct {
			TimeToLiveStatus string
			AttributeName    string `json:",omitzero"`
		}
	}
	return db.describe(in, func(t *table) any {
		of := &out.TimeToLiveDescription
		of.TimeToLiveStatus, of.AttributeName = statusOf(t.def.TTL != ""), t.def.TTL
		return out
	})
}

// statusOf is the status of something that can be switched on.
func statusOf(enabled bool) string {
	if enabled {
		return "ENABLED"
	}
	return "DISABLED"
}

type continuousBackupsRequest struct {
	TableName                        string
	PointInTimeRecoverySpecification *struct {
		PointInTimeRecoveryEnabled *bool
		RecoveryPeriodInDays       *int64
	}
}

func (in *continuousBackupsRequest) check(c *checks) {
	checkTableName(c, in.TableName, "tableName")
	spec := in.PointInTimeRecoverySpecification
	c.required(spec != nil, "pointInTimeRecoverySpecification")
	if spec != nil {
		c.required(spec.PointInTimeRecoveryEnabled != nil, "pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled")
		c.atLeast(spec.RecoveryPeriodInDays, "pointInTimeRecoverySpecification.recoveryPeriodInDays", 1)
		c.atMost(spec.RecoveryPeriodInDays, "pointInTimeRecoverySpecification.recoveryPeriodInDays", 35)
	}
}

func (db *DB) updateContinuousBackups(in *continuousBackupsRequest) (answer any, err error) {
	err = db.alter(in.TableName, func(d *definition) error {
		switch {
		case !*in.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled:
			d.Recovery = time.Time{}
		case d.Recovery.IsZero():
			d.Recovery = db.opts.Now().UTC()
		}
		answer = d.backups(db.opts.Now())
		return nil
	})
	return answer, err
}

func (db *DB) describeContinuousBackups(in *tableNameRequest) (any, error) {
	answer, err := db.describe(in, func(t *table) any { return t.def.backups(db.opts.Now()) })
	if e, _ := asAPIError(err); err != nil && e.name() == "ResourceNotFoundException" {
		e.kind = prefixDynamoDB + "TableNotFoundException"
		return nil, e
	}
	return answer, err
}

type backupsDescription struct {
	ContinuousBackupsStatus        string
	PointInTimeRecoveryDescription recoveryDescription
}

type recoveryDescription struct {
	PointInTimeRecoveryStatus  string
	EarliestRestorableDateTime float64 `json:",omitzero"`
	LatestRestorableDateTime   float64 `json:",omitzero"`
}

// backups is the answer about a table's backups. The setting is kept and shown;
// there is nothing to restore from.
func (d definition) backups(now time.Time) any {
	r := recoveryDescription{PointInTimeRecoveryStatus: statusOf(!d.Recovery.IsZero())}
	if !d.Recovery.IsZero() {
		r.EarliestRestorableDateTime, r.LatestRestorableDateTime = seconds(d.Recovery), seconds(now)
	}
	return struct{ ContinuousBackupsDescription backupsDescription }{backupsDescription{"ENABLED", r}}
}

type tagRequest struct {
	ResourceArn string
	Tags        []tagPair
}

type untagRequest struct {
	ResourceArn string
	TagKeys     []string
}

type listTagsRequest struct {
	ResourceArn string
	NextToken   *string
}

// maxTags is DynamoDB's quota of tags on a table.
const maxTags = 50

// resourceName is the table of a resource ARN.
func (db *DB) resourceName(arn string) (string, error) {
	name, ok := strings.CutPrefix(arn, db.tableARN(""))
	if !ok || name == "" || strings.Contains(name, "/") {
		return "", validation("Invalid TableArn: Invalid ResourceArn provided as input " + arn)
	}
	return name, nil
}

func (in *tagRequest) check(c *checks) {
	c.required(in.ResourceArn != "", "resourceArn")
	c.required(in.Tags != nil, "tags")
}

func (in *untagRequest) check(c *checks) {
	c.required(in.ResourceArn != "", "resourceArn")
	c.required(in.TagKeys != nil, "tagKeys")
}

func (in *listTagsRequest) check(c *checks) { c.required(in.ResourceArn != "", "resourceArn") }

func (db *DB) tagResource(in *tagRequest) (any, error) {
	if len(in.Tags) == 0 {
		return nil, validation("Atleast one Tag needs to be provided as Input.")
	}
	return nil, db.alterTags(in.ResourceArn, func(d *definition) error {
		if d.Tags == nil {
			d.Tags = map[string]string{}
		}
		for _, t := range in.Tags {
			d.Tags[t.Key] = t.Value
		}
		if len(d.Tags) > maxTags {
			return dynamoError("LimitExceededException", "The number of tags exceeds the limit of 50")
		}
		return nil
	})
}

func (db *DB) untagResource(in *untagRequest) (any, error) {
	if len(in.TagKeys) == 0 {
		return nil, validation("Atleast one Tag Key needs to be provided as Input.")
	}
	return nil, db.alterTags(in.ResourceArn, func(d *definition) error {
		for _, key := range in.TagKeys {
			delete(d.Tags, key)
		}
		return nil
	})
}

func (db *DB) alterTags(arn string, change func(d *definition) error) error {
	name, err := db.resourceName(arn)
	if err != nil {
		return err
	}
	return tagError(arn, db.alter(name, change))
}

// tagError gives the error about a table that is not there the words of the
// operations on tags.
func tagError(arn string, err error) error {
	if e, _ := asAPIError(err); err != nil && e.name() == "ResourceNotFoundException" {
		e.message = "Requested resource not found: ResourcArn: " + arn + " not found"
		return e
	}
	return err
}

func (db *DB) listTagsOfResource(in *listTagsRequest) (any, error) {
	if in.NextToken != nil {
		return nil, validation("Invalid NextToken")
	}
	name, err := db.resourceName(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	answer, err := db.describe(&tableNameRequest{name}, func(t *table) any {
		var out struct{ Tags []tagPair }
		for _, key := range slices.Sorted(maps.Keys(t.def.Tags)) {
			out.Tags = append(out.Tags, tagPair{key, t.def.Tags[key]})
		}
		return out
	})
	return answer, tagError(in.ResourceArn, err)
}
