package embedded

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// alter changes a table's definition and logs it.
func (db *DB) alter(name string, change func(d *definition) error) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	t := db.tables[name]
	if t == nil {
		return tableNotFound(name)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.def.clone()
	if err := change(&d); err != nil {
		return err
	}
	return db.changeSchema(schemaChange{Tables: []definition{d}})
}

type timeToLiveRequest struct {
	TableName               string
	TimeToLiveSpecification *struct {
		AttributeName string
		Enabled       *bool
	}
}

func (db *DB) updateTimeToLive(body, out []byte) ([]byte, error) {
	in, err := decode[timeToLiveRequest](body)
	if err != nil {
		return nil, err
	}
	var c checks
	checkTableName(&c, in.TableName, "tableName")
	spec := in.TimeToLiveSpecification
	c.required(spec != nil, "timeToLiveSpecification")
	if spec != nil {
		checkAttributeName(&c, spec.AttributeName, "timeToLiveSpecification.attributeName")
		c.required(spec.Enabled != nil, "timeToLiveSpecification.enabled")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	err = db.alter(in.TableName, func(d *definition) error {
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
	m := open(out)
	addValue(&m, "TimeToLiveSpecification", spec)
	return m.close(), nil
}

func (db *DB) describeTimeToLive(body, out []byte) ([]byte, error) {
	return db.describe(body, out, func(m *members, d definition) {
		m.add("TimeToLiveDescription")
		t := open(m.out)
		if d.TTL == "" {
			t.str("TimeToLiveStatus", "DISABLED")
		} else {
			t.str("TimeToLiveStatus", "ENABLED")
			t.str("AttributeName", d.TTL)
		}
		m.out = t.close()
	})
}

// describe answers a request for one part of a table's definition.
func (db *DB) describe(body, out []byte, part func(m *members, d definition)) ([]byte, error) {
	in, err := checked[tableNameRequest](body)
	if err != nil {
		return nil, err
	}
	t, err := db.namedTable(in.TableName)
	if err != nil {
		return nil, err
	}
	m := open(out)
	err = t.withRead(func() error {
		part(&m, t.def)
		return nil
	})
	return m.close(), err
}

type continuousBackupsRequest struct {
	TableName                        string
	PointInTimeRecoverySpecification *struct {
		PointInTimeRecoveryEnabled *bool
		RecoveryPeriodInDays       *int64
	}
}

func (db *DB) updateContinuousBackups(body, out []byte) ([]byte, error) {
	in, err := decode[continuousBackupsRequest](body)
	if err != nil {
		return nil, err
	}
	var c checks
	checkTableName(&c, in.TableName, "tableName")
	spec := in.PointInTimeRecoverySpecification
	c.required(spec != nil, "pointInTimeRecoverySpecification")
	if spec != nil {
		c.required(spec.PointInTimeRecoveryEnabled != nil, "pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled")
		c.atLeast(spec.RecoveryPeriodInDays, "pointInTimeRecoverySpecification.recoveryPeriodInDays", 1)
		c.atMost(spec.RecoveryPeriodInDays, "pointInTimeRecoverySpecification.recoveryPeriodInDays", 35)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	m := open(out)
	err = db.alter(in.TableName, func(d *definition) error {
		switch {
		case !*spec.PointInTimeRecoveryEnabled:
			d.Recovery = time.Time{}
		case d.Recovery.IsZero():
			d.Recovery = db.opts.Now().UTC()
		}
		d.appendBackups(&m, db.opts.Now())
		return nil
	})
	return m.close(), err
}

func (db *DB) describeContinuousBackups(body, out []byte) ([]byte, error) {
	out, err := db.describe(body, out, func(m *members, d definition) { d.appendBackups(m, db.opts.Now()) })
	if e, _ := asAPIError(err); err != nil && e.name() == "ResourceNotFoundException" {
		e.kind = prefixDynamoDB + "TableNotFoundException"
		return nil, e
	}
	return out, err
}

// appendBackups writes a ContinuousBackupsDescription. The setting is kept and
// shown; there is nothing to restore from.
func (d definition) appendBackups(m *members, now time.Time) {
	m.add("ContinuousBackupsDescription")
	b := open(m.out)
	b.str("ContinuousBackupsStatus", "ENABLED")
	b.add("PointInTimeRecoveryDescription")
	r := open(b.out)
	if d.Recovery.IsZero() {
		r.str("PointInTimeRecoveryStatus", "DISABLED")
	} else {
		r.str("PointInTimeRecoveryStatus", "ENABLED")
		r.time("EarliestRestorableDateTime", d.Recovery)
		r.time("LatestRestorableDateTime", now)
	}
	b.out = r.close()
	m.out = b.close()
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

func (db *DB) tagResource(body, out []byte) ([]byte, error) {
	in, err := decode[tagRequest](body)
	if err != nil {
		return nil, err
	}
	var c checks
	c.required(in.ResourceArn != "", "resourceArn")
	c.required(in.Tags != nil, "tags")
	if err := c.err(); err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, validation("Atleast one Tag needs to be provided as Input.")
	}
	return out, db.alterTags(in.ResourceArn, func(d *definition) error {
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

func (db *DB) untagResource(body, out []byte) ([]byte, error) {
	in, err := decode[untagRequest](body)
	if err != nil {
		return nil, err
	}
	var c checks
	c.required(in.ResourceArn != "", "resourceArn")
	c.required(in.TagKeys != nil, "tagKeys")
	if err := c.err(); err != nil {
		return nil, err
	}
	if len(in.TagKeys) == 0 {
		return nil, validation("Atleast one Tag Key needs to be provided as Input.")
	}
	return out, db.alterTags(in.ResourceArn, func(d *definition) error {
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
	if err := db.alter(name, change); err != nil {
		if e, _ := asAPIError(err); e.name() == "ResourceNotFoundException" {
			e.message = "Requested resource not found: ResourcArn: " + arn + " not found"
			return e
		}
		return err
	}
	return nil
}

func (db *DB) listTagsOfResource(body, out []byte) ([]byte, error) {
	in, err := decode[listTagsRequest](body)
	if err != nil {
		return nil, err
	}
	var c checks
	c.required(in.ResourceArn != "", "resourceArn")
	if err := c.err(); err != nil {
		return nil, err
	}
	if in.NextToken != nil {
		return nil, validation("Invalid NextToken")
	}
	name, err := db.resourceName(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	t, err := db.table(name)
	if err != nil {
		return nil, dynamoError("ResourceNotFoundException", "Requested resource not found: ResourcArn: "+in.ResourceArn+" not found")
	}
	var tags []tagPair
	err = t.withRead(func() error {
		for _, key := range slices.Sorted(maps.Keys(t.def.Tags)) {
			tags = append(tags, tagPair{key, t.def.Tags[key]})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	m := open(out)
	m.add("Tags")
	m.out = append(m.out, '[')
	for i, tag := range tags {
		if i > 0 {
			m.out = append(m.out, ',')
		}
		pair := open(m.out)
		pair.str("Key", tag.Key)
		pair.str("Value", tag.Value)
		m.out = pair.close()
	}
	m.out = append(m.out, ']')
	return m.close(), nil
}
