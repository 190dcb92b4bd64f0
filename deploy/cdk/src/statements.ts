import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { TargetGroupBinding } from './binding';

/** What the function's statements are made of. */
export interface Reach {
  readonly stack: Stack;
  readonly bindings: TargetGroupBinding[];
  readonly discovers: boolean;
  readonly holds: boolean;
  readonly kmsKeyArn?: string;
  readonly queueArn: string;
  readonly logGroupArn: string;
}

const WRITES = ['elasticloadbalancing:RegisterTargets', 'elasticloadbalancing:DeregisterTargets'];

/** Clusters of the bindings, each once, as ARNs. */
export function clusterArns(bindings: TargetGroupBinding[]): string[] {
  return unique(bindings.map((binding) => (binding.service ?? binding).cluster!.clusterArn));
}

/** ECS resources of the bound clusters, `task/NAME/*`; of all clusters if tags are read. */
function inClusters(reach: Reach, resource: string): string[] {
  const names = unique(reach.bindings.map((binding) => (binding.service ?? binding).cluster!.clusterName));
  return (reach.discovers ? ['*'] : names.map((name) => `${name}/*`)).map((resourceName) =>
    reach.stack.formatArn({ service: 'ecs', resource, resourceName }),
  );
}

/** The services that the function may read: the one, or all of the bound clusters. */
function services(reach: Reach): string[] {
  const [binding, ...others] = reach.bindings;
  if (reach.discovers || others.length || !binding.service) {
    return inClusters(reach, 'service');
  }
  const resourceName = `${binding.service.cluster.clusterName}/${binding.service.serviceName}`;
  return [reach.stack.formatArn({ service: 'ecs', resource: 'service', resourceName })];
}

/** The statements of the function's role; template.yaml says why each is as it is. */
export function ofFunction(reach: Reach): iam.PolicyStatement[] {
  const groups = unique(reach.bindings.filter((binding) => !binding.roleArn).map((binding) => binding.targetGroup.targetGroupArn));
  const roles = unique(reach.bindings.flatMap((binding) => binding.roleArn ?? []));
  const clusters = reach.discovers ? [reach.stack.formatArn({ service: 'ecs', resource: 'cluster', resourceName: '*' })] : clusterArns(reach.bindings);
  return [
    ...(groups.length ? [allow('WriteTargets', WRITES, groups)] : []),
    ...(roles.length ? [allow('AssumeRoles', ['sts:AssumeRole'], roles)] : []),
    allow('ReadTargetGroups', ['elasticloadbalancing:DescribeTargetGroups', 'elasticloadbalancing:DescribeTargetHealth']),
    allow('ExamineLoadBalancers', [
      'elasticloadbalancing:DescribeAccountLimits',
      'elasticloadbalancing:DescribeListeners',
      'elasticloadbalancing:DescribeLoadBalancerAttributes',
      'elasticloadbalancing:DescribeLoadBalancers',
      'elasticloadbalancing:DescribeRules',
      'elasticloadbalancing:DescribeTargetGroupAttributes',
      'ecs:DescribeTaskDefinition',
    ]),
    allow('ExamineServices', ['ecs:DescribeServices'], services(reach)),
    allow('ReadTasks', ['ecs:DescribeTasks'], inClusters(reach, 'task')),
    allow('ListTasks', ['ecs:ListTasks'], ['*'], { ArnEquals: { 'ecs:cluster': clusters } }),
    allow('ReceiveEvents', ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], [reach.queueArn]),
    ...(reach.kmsKeyArn ? [allow('Decrypt', ['kms:Decrypt'], [reach.kmsKeyArn])] : []),
    allow('WriteLog', ['logs:CreateLogStream', 'logs:PutLogEvents'], [reach.logGroupArn]),
  ];
}

/** Beside that, for a function that reads tags: it can write only to target groups whose owners opted in. */
export function ofTags(reach: Reach): iam.PolicyStatement[] {
  const groups = reach.stack.formatArn({ service: 'elasticloadbalancing', resource: 'targetgroup', resourceName: '*/*' });
  return [
    allow('ReadTags', ['tag:GetResources']),
    allow('WriteTaggedTargets', WRITES, [groups], { Null: { 'aws:ResourceTag/ecs-ipv6-targets:bind': 'false' } }),
  ];
}

/** Beside that, for a function that holds deployments. */
export function ofHolds(reach: Reach): iam.PolicyStatement[] {
  return [allow('HoldTasks', ['ecs:GetTaskProtection', 'ecs:UpdateTaskProtection'], inClusters(reach, 'task'))];
}

/** Lambda may connect the function to a VPC; its code may not. */
export function ofVpc(stack: Stack): iam.PolicyStatement[] {
  const functions = stack.formatArn({ service: 'lambda', region: '*', account: '*', resource: 'function', resourceName: '*', arnFormat: ArnFormat.COLON_RESOURCE_NAME });
  return [
    allow('ConnectToVpc', [
      'ec2:CreateNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:DeleteNetworkInterface',
      'ec2:AssignPrivateIpAddresses',
      'ec2:UnassignPrivateIpAddresses',
    ]),
    new iam.PolicyStatement({
      sid: 'KeepCodeFromIt',
      effect: iam.Effect.DENY,
      actions: ['ec2:*'],
      resources: ['*'],
      conditions: { ArnLike: { 'lambda:SourceFunctionArn': functions } },
    }),
  ];
}

export function allow(sid: string, actions: string[], resources: string[] = ['*'], conditions?: { [operator: string]: object }): iam.PolicyStatement {
  return new iam.PolicyStatement({ sid, actions, resources, conditions });
}

function unique(texts: string[]): string[] {
  return [...new Set(texts)];
}
