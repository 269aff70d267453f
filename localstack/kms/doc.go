// Package kms is an embedded AWS KMS with one key, kept in a file, for the data keys of
// personal values: GenerateDataKey and Decrypt, in KMS's wire protocol (AWS JSON 1.1).
// Any other operation and any parameter it does not know is refused. Every alias and ARN
// names the one key.
//
// It is for one machine: who reads the file reads every data key that is not deleted.
package kms
