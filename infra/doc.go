// Command infra is the CDK app that deploys the sample application. The CDK command line runs
// it (cdk.json); it reads the settings, builds the functions, and writes the
// template of the tables, functions and API that package domain declares.
//
// A wrong setting ends it with status 1 and a message before anything is built
// or synthesized.
package main
