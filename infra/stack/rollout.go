package stack

import (
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodedeploy"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// newRollouts lets CodeDeploy move the aliases of the functions to a new version:
// a tenth of the invocations for five minutes, then all. When an alarm of the
// function rings meanwhile, or one of the API for those behind it, all go back to
// the old version and CloudFormation rolls the stack back.
func newRollouts(scope constructs.Construct, f Functions, alarms Alarms) {
	application := awscodedeploy.NewLambdaApplication(scope, jsii.String("Rollout"), nil)
	for _, function := range f.all() {
		watched := alarms.of(function.Name+"-errors", function.Name+"-slow")
		if slices.Contains([]string{f.Command.Name, f.Query.Name}, function.Name) {
			watched = append(watched, alarms.of("api-faults")...)
		}
		awscodedeploy.NewLambdaDeploymentGroup(scope, jsii.String(title(function.Name)+"Rollout"), &awscodedeploy.LambdaDeploymentGroupProps{
			Application:      application,
			Alias:            function.alias,
			DeploymentConfig: awscodedeploy.LambdaDeploymentConfig_CANARY_10PERCENT_5MINUTES(),
			Alarms:           &watched,
			AutoRollback: &awscodedeploy.AutoRollbackConfig{
				DeploymentInAlarm: jsii.Bool(true), FailedDeployment: jsii.Bool(true), StoppedDeployment: jsii.Bool(true),
			},
		})
	}
}

// Alarms are the alarms of a deployment.
type Alarms []awscloudwatch.Alarm

// of are the alarms with one of the names, without the deployment's prefix.
func (a Alarms) of(names ...string) (all []interfacesawscloudwatch.IAlarmRef) {
	for _, alarm := range a {
		for _, name := range names {
			if strings.HasSuffix(*alarm.Node().Id(), title(name)+"Alarm") {
				all = append(all, alarm)
			}
		}
	}
	return all
}
