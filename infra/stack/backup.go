package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsbackup"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"daybook/functions/names"
	"daybook/infra/settings"
)

// newBackup has AWS Backup copy the events table every night into a vault of the
// deployment's own, and on from there into another one if the settings name it.
// The events are the one thing that can't be made again from something else. With
// point-in-time recovery alone they go with the table and with the account.
func newBackup(scope constructs.Construct, s settings.Settings, events Table, key Key, retain bool) {
	vault := awsbackup.NewBackupVault(scope, jsii.String("Vault"), &awsbackup.BackupVaultProps{
		BackupVaultName:            jsii.String(s.Prefix()),
		EncryptionKey:              key.ref(),
		BlockRecoveryPointDeletion: jsii.Bool(retain),
		RemovalPolicy:              removal(retain),
	})
	days := awscdk.Duration_Days(jsii.Number(s.BackupDays))
	rule := &awsbackup.BackupPlanRuleProps{
		RuleName:    jsii.String("nightly"),
		BackupVault: vault,
		DeleteAfter: days,
		ScheduleExpression: awsevents.Schedule_Cron(&awsevents.CronOptions{
			Hour: jsii.String("3"), Minute: jsii.String("0"),
		}),
	}
	if s.BackupCopyTo != "" {
		rule.CopyActions = &[]*awsbackup.BackupPlanCopyActionProps{{
			DestinationBackupVault: awsbackup.BackupVault_FromBackupVaultArn(scope, jsii.String("CopyVault"), jsii.String(s.BackupCopyTo)),
			DeleteAfter:            days,
		}}
	}
	plan := awsbackup.NewBackupPlan(scope, jsii.String("Backup"), &awsbackup.BackupPlanProps{
		BackupPlanName: jsii.String(s.Prefix()),
		BackupPlanRules: &[]awsbackup.BackupPlanRule{
			awsbackup.NewBackupPlanRule(rule),
		},
	})
	plan.AddSelection(jsii.String("Events"), &awsbackup.BackupSelectionOptions{
		BackupSelectionName: jsii.String(names.Join(s.Prefix(), names.EventsTable)),
		Resources:           &[]awsbackup.BackupResource{awsbackup.BackupResource_FromArn(events.TableArn())},
	})
}
