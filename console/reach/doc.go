// Package reach tells a console how to reach an installation on DynamoDB and SQS: its
// tables, its change stream, its command queue. Package console itself knows neither.
package reach
