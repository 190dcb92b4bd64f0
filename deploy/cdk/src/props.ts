import * as lambda from 'aws-cdk-lib/aws-lambda';
import { TargetGroupBinding } from './binding';

/**
 * What template.yaml takes as parameters, under the same names and with the same defaults.
 */
export interface EcsIpv6TargetsProps {
  /**
   * Which tasks are registered where.
   * @default - only what `discover` finds
   */
  readonly bindings?: TargetGroupBinding[];

  /**
   * `tags`: serve every target group of this account and region that has the tag ecs-ipv6-targets:bind as well.
   * @default - the bindings alone
   */
  readonly discover?: string;

  /**
   * The function's package.
   * @default - the released one that this package contains
   */
  readonly code?: lambda.Code;

  /**
   * Base of the names of log group, alarms and dashboard. Two in one stack need different ones.
   * @default - the stack's name
   */
  readonly name?: string;

  /**
   * What a reconcile may remove: `proven` (addresses of stopped tasks of a bound service), `all` (every target that no
   * serving task explains), `never`.
   * @default proven
   */
  readonly prune?: string;

  /**
   * Decide, report and log, but write nothing.
   * @default false
   */
  readonly dryRun?: boolean;

  /**
   * Minutes from one reconcile to the next: 1, 5, 15 or 60.
   * @default 1
   */
  readonly reconcileMinutes?: number;

  /**
   * Longest time in minutes for which a deployment keeps old tasks until the targets of the new ones are healthy, up to 2880.
   * @default 0 - none is kept
   */
  readonly holdMinutes?: number;

  /**
   * Whether the function may also change target groups of VPC Lattice: those of the bindings, and with `discover` the tagged ones.
   * @default false
   */
  readonly lattice?: boolean;

  /**
   * SNS topic that is notified when alarms begin and end.
   * @default - the alarms have no actions
   */
  readonly alarmTopicArn?: string;

  /**
   * URL of your copy of docs/runbook.md, which has an entry for each alarm.
   * @default docs/runbook.md
   */
  readonly runbookUrl?: string;

  /**
   * How many targets others register in the groups on purpose.
   * @default 0
   */
  readonly expectedUnowned?: number;

  /**
   * Whether to create a CloudWatch dashboard, and the function behind the status page on it.
   * @default true
   */
  readonly dashboard?: boolean;

  /**
   * Least severe level that the function logs: TRACE, DEBUG or INFO.
   * @default INFO
   */
  readonly logLevel?: string;

  /**
   * Days for which the log is kept.
   * @default 30
   */
  readonly logRetentionDays?: number;

  /**
   * Processor architecture of the function, arm64 or x86_64; `code` must match it.
   * @default arm64
   */
  readonly architecture?: string;

  /**
   * Subnets of the function, which needs no VPC.
   * @default - outside any VPC
   */
  readonly subnetIds?: string[];

  /**
   * With `subnetIds`, the function's security groups, which must allow outbound HTTPS.
   * @default - outside any VPC
   */
  readonly securityGroupIds?: string[];

  /**
   * Call AWS's dual-stack endpoints: for subnets without IPv4 Internet access.
   * @default false
   */
  readonly useDualStackEndpoints?: boolean;

  /**
   * ARN of the managed policy that bounds the roles.
   * @default - none
   */
  readonly permissionsBoundary?: string;

  /**
   * Path of the roles and the managed policy.
   * @default /
   */
  readonly rolePath?: string;

  /**
   * ARN of the KMS key for queues, log group and environment. Its policy must let EventBridge and CloudWatch Logs use it.
   * @default - keys of AWS
   */
  readonly kmsKeyArn?: string;

  /**
   * Concurrency that is reserved for the function, at least 5.
   * @default - what the account has left
   */
  readonly reservedConcurrency?: number;
}
