import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { TargetGroupBinding } from './binding';

/** What the function's statements are made of. */
export interface Reach {
  readonly stack: Stack;
  readonly bindings: TargetGroupBinding[];
  readonly discovers: boolean;
  readonly holds: boolean;
  readonly lattice: boolean;
  readonly kmsKeyArn?: string;
  readonly queueArn: string;
  readonly logGroupArn: string;
}

const WRITES = ['elasticloadbalancing:RegisterTargets', 'elasticloadbalancing:DeregisterTargets'];
const LATTICE_WRITES = ['vpc-lattice:RegisterTargets', 'vpc-lattice:DeregisterTargets'];
const IF_TAGGED = { Null: { 'aws:ResourceTag/ecs-ipv6-targets:bind': 'false' } };

/** Statements by the names of their policies. */
export type Policies = { [name: string]: iam.PolicyStatement[] };

/** The ARN of a binding's target group, of either kind. */
export function groupArn(binding: TargetGroupBinding): string {
  return binding.targetGroupArn ?? binding.targetGroup!.targetGroupArn;
}

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

/** Target groups of the bindings in the function's own account. */
function ownGroups(reach: Reach): string[] {
  return unique(reach.bindings.filter((binding) => !binding.roleArn).map(groupArn));
}

/** All target groups of the account. */
function allGroups(reach: Reach, service: string, resourceName: string): string[] {
  return [reach.stack.formatArn({ service, resource: 'targetgroup', resourceName })];
}

/** What the function may do beside reading; template.yaml says why each statement is as it is. */
export function ofFunction(reach: Reach): Policies {
  const groups = ownGroups(reach);
  const roles = unique(reach.bindings.flatMap((binding) => binding.roleArn ?? []));
  const statements = [
    ...(groups.length ? [allow('WriteTargets', WRITES, groups)] : []),
    ...(groups.length && reach.lattice ? [allow('WriteLatticeTargets', LATTICE_WRITES, groups)] : []),
    ...(reach.lattice ? [allow('LookUpVpcForLattice', ['ec2:DescribeSubnets', 'ec2:DescribeVpcs'])] : []),
    ...(roles.length ? [allow('AssumeRoles', ['sts:AssumeRole'], roles)] : []),
    allow('ReceiveEvents', ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], [reach.queueArn]),
    ...toRun(reach),
  ];
  const tagged = allow('WriteTaggedTargets', WRITES, allGroups(reach, 'elasticloadbalancing', '*/*'), IF_TAGGED);
  const taggedOfLattice = allow('WriteTaggedLatticeTargets', LATTICE_WRITES, allGroups(reach, 'vpc-lattice', '*'), IF_TAGGED);
  return {
    function: statements,
    ...(reach.discovers ? { tags: [tagged] } : {}),
    ...(reach.discovers && reach.lattice ? { 'lattice-tags': [taggedOfLattice] } : {}),
    ...(reach.holds ? { hold: [allow('HoldTasks', ['ecs:UpdateTaskProtection'], inClusters(reach, 'task'))] } : {}),
    ...ofReading(reach),
  };
}

/** The one behind the status page may only read. */
export function ofPage(reach: Reach): Policies {
  return { log: toRun(reach), ...ofReading(reach) };
}

/** What either needs to run at all. */
function toRun(reach: Reach): iam.PolicyStatement[] {
  return [
    ...(reach.kmsKeyArn ? [allow('Decrypt', ['kms:Decrypt'], [reach.kmsKeyArn])] : []),
    allow('WriteLog', ['logs:CreateLogStream', 'logs:PutLogEvents'], [reach.logGroupArn]),
  ];
}

/** What both may read. */
function ofReading(reach: Reach): Policies {
  const clusters = reach.discovers ? [reach.stack.formatArn({ service: 'ecs', resource: 'cluster', resourceName: '*' })] : clusterArns(reach.bindings);
  const latticeGroups = reach.discovers ? allGroups(reach, 'vpc-lattice', '*') : ownGroups(reach);
  return {
    read: [
      allow('ReadTargetGroups', ['elasticloadbalancing:DescribeTargetGroups', 'elasticloadbalancing:DescribeTargetHealth']),
      allow('ExamineLoadBalancers', [
        'elasticloadbalancing:DescribeAccountLimits',
        'elasticloadbalancing:DescribeListeners',
        'elasticloadbalancing:DescribeLoadBalancerAttributes',
        'elasticloadbalancing:DescribeLoadBalancers',
        'elasticloadbalancing:DescribeRules',
        'elasticloadbalancing:DescribeTargetGroupAttributes',
        'ecs:DescribeTaskDefinition',
        'ec2:DescribeSecurityGroups',
        'ec2:DescribeSubnets',
      ]),
      allow('ExamineServices', ['ecs:DescribeServices'], services(reach)),
      allow('ReadTasks', ['ecs:DescribeTasks'], inClusters(reach, 'task')),
      allow('ListTasks', ['ecs:ListTasks'], ['*'], { ArnEquals: { 'ecs:cluster': clusters } }),
    ],
    ...(reach.lattice ? { 'read-lattice': [allow('ReadLatticeTargets', ['vpc-lattice:ListTargets', 'vpc-lattice:GetTargetGroup'], latticeGroups)] } : {}),
    ...(reach.discovers ? { 'read-tags': [allow('ReadTags', ['tag:GetResources'])] } : {}),
    ...(reach.holds ? { 'read-protection': [allow('ReadProtection', ['ecs:GetTaskProtection'], inClusters(reach, 'task'))] } : {}),
  };
}

// Of what Lambda needs to connect the functions to a VPC, their code may do ec2:DescribeSubnets alone, which doctor and VPC Lattice need.
const OF_LAMBDA_ALONE = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

/** Lambda may connect the functions to a VPC; their code may not. */
export function ofVpc(stack: Stack): iam.PolicyStatement[] {
  const functions = stack.formatArn({ service: 'lambda', region: '*', account: '*', resource: 'function', resourceName: '*', arnFormat: ArnFormat.COLON_RESOURCE_NAME });
  const keep = allow('KeepCodeFromIt', OF_LAMBDA_ALONE, ['*'], { ArnLike: { 'lambda:SourceFunctionArn': functions } });
  keep.effect = iam.Effect.DENY;
  return [allow('ConnectToVpc', [...OF_LAMBDA_ALONE, 'ec2:DescribeSubnets']), keep];
}

export function allow(sid: string, actions: string[], resources: string[] = ['*'], conditions?: { [operator: string]: object }): iam.PolicyStatement {
  return new iam.PolicyStatement({ sid, actions, resources, conditions });
}

function unique(texts: string[]): string[] {
  return [...new Set(texts)];
}
