// Package partition knows in which domain the services of an AWS region answer:
// amazonaws.com, amazonaws.com.cn, amazonaws.eu and so on. The facts are the SDK's,
// by way of the one service client that every function links. It imports the SDK's
// DynamoDB client and nothing of Daybook.
package partition
