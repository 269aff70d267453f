// Package settings is the one place where a deployment is configured: every
// setting with its type, default, limits and meaning, read from the CDK's
// context (cdk deploy -c stage=prod) and from the environment
// (DAYBOOK_DEPLOY_STAGE=prod).
//
// It imports the standard library and the domains of AWS only, so that a wrong setting is told before
// the CDK and the Node process behind it are started.
package settings
