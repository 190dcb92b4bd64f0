import { Stack, Token } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { IConstruct } from 'constructs';
import { TargetGroupBinding } from './binding';
import { EcsIpv6TargetsProps } from './props';
import { groupArn } from './statements';

/** What can be said of the properties alone; the template's parameters and rules refuse the same, as far as they can tell. */
export function mistakesOf(props: EcsIpv6TargetsProps): string[] {
  const bindings = props.bindings ?? [];
  const discovers = props.discover === 'tags';
  const reconcile = props.reconcileMinutes ?? 1;
  const hold = props.holdMinutes ?? 0;
  const oneOf = (name: string, value: string | number | undefined, allowed: (string | number)[]): [boolean, string] => [
    value !== undefined && !Token.isUnresolved(value) && !allowed.includes(value),
    `${name} must be one of ${allowed.join(', ')}`,
  ];
  const checks: [boolean, string][] = [
    [bindings.length === 0 && !discovers, 'give bindings, or discover: "tags"'],
    [!!props.lattice && !discovers && bindings.every((binding) => binding.roleArn), 'lattice needs a binding without roleArn, or discover'],
    [!props.lattice && bindings.some(isOfLattice), 'target groups of VPC Lattice need lattice: true'],
    oneOf('discover', props.discover, ['tags']),
    oneOf('prune', props.prune, ['proven', 'all', 'never']),
    oneOf('reconcileMinutes', props.reconcileMinutes, [1, 5, 15, 60]),
    // Metrics are log lines without a level, which Lambda takes for INFO and drops above.
    oneOf('logLevel', props.logLevel, ['TRACE', 'DEBUG', 'INFO']),
    oneOf('architecture', props.architecture, ['arm64', 'x86_64']),
    [discovers && props.prune === 'all', 'prune: "all" does not go with discover, because the index of tags lags behind'],
    [discovers && reconcile !== 1, 'discover needs reconcileMinutes 1, because a reconcile takes at most 100 tagged target groups'],
    [hold < 0 || hold > 2880 || hold % 1 !== 0, 'holdMinutes must be a whole number from 0 to 2880'],
    [hold !== 0 && reconcile !== 1, 'holdMinutes needs reconcileMinutes 1, because it is the reconcile that lets old tasks go'],
    [!!props.subnetIds?.length !== !!props.securityGroupIds?.length, 'subnetIds and securityGroupIds need each other'],
    [(props.reservedConcurrency ?? 5) < 5, 'reservedConcurrency must be at least 5'],
    [!/^\/(.+\/)?$/.test(props.rolePath ?? '/'), 'rolePath must begin and end with a slash'],
  ];
  return checks.filter(([wrong]) => wrong).map(([, mistake]) => mistake).concat(bindings.flatMap(mistakesOfBinding));
}

function mistakesOfBinding(binding: TargetGroupBinding, index: number): string[] {
  const { service, family, cluster, port, targetGroup, targetGroupArn } = binding;
  const checks: [boolean, string][] = [
    [!service === !family, 'give either service or family'],
    [!!family !== !!cluster, 'family and cluster need each other'],
    [!targetGroup === !targetGroupArn, 'give either targetGroup or targetGroupArn'],
    [isOfLattice(binding) && !!(binding.roleArn || binding.zone), 'a target group of VPC Lattice takes neither roleArn nor zone'],
    [port !== undefined && !Token.isUnresolved(port) && !(Number.isInteger(port) && port >= 1 && port <= 65535), 'port must be from 1 to 65535'],
    [!!binding.externalId && !binding.roleArn, 'externalId needs roleArn'],
    [binding.zone !== undefined && binding.zone !== 'all', 'zone can only be "all"'],
  ];
  return checks.filter(([wrong]) => wrong).map(([, mistake]) => `bindings[${index}]: ${mistake}`);
}

/** As far as the ARN is known. */
function isOfLattice({ targetGroupArn }: TargetGroupBinding): boolean {
  return targetGroupArn !== undefined && !Token.isUnresolved(targetGroupArn) && targetGroupArn.split(':')[2] === 'vpc-lattice';
}

/** What only the whole app shows, when it is synthesised: the mistakes that would otherwise be found in production. */
export function mistakesInApp(scope: IConstruct, bindings: TargetGroupBinding[]): string[] {
  return bindings.flatMap((binding, index) =>
    [...mistakesOfGroup(scope, binding), ...mistakesOfService(binding)].map((mistake) => `bindings[${index}]: ${mistake}`),
  );
}

function mistakesOfGroup(scope: IConstruct, binding: TargetGroupBinding): string[] {
  const mistakes: string[] = [];
  const made = binding.targetGroup?.node.defaultChild;
  if (made instanceof elbv2.CfnTargetGroup) {
    if (resolved(made, made.ipAddressType) !== 'ipv6') {
      mistakes.push('the target group is for IPv4; give it ipAddressType ipv6');
    }
    if (resolved(made, made.targetType) !== 'ip') {
      mistakes.push('the target group must have the target type ip');
    }
  }
  const arn = groupArn(binding);
  const [, , , region] = Token.isUnresolved(arn) ? [] : arn.split(':');
  const there = region ?? Stack.of(binding.targetGroup ?? scope).region;
  const here = Stack.of(scope).region;
  if (!Token.isUnresolved(here) && !Token.isUnresolved(there) && here !== there) {
    mistakes.push(`the target group is in ${there}, the function in ${here}; put the function there`);
  }
  return mistakes;
}

function mistakesOfService(binding: TargetGroupBinding): string[] {
  const made = binding.service?.node.findAll().find((child): child is ecs.CfnService => child instanceof ecs.CfnService);
  if (!made) {
    return [];
  }
  // The lists, their entries and their ARNs may all be decided late.
  const group = JSON.stringify(resolved(made, groupArn(binding)));
  const lists = (listed: unknown) =>
    (resolved(made, listed) ?? []).some((entry: { targetGroupArn?: unknown }) => JSON.stringify(entry.targetGroupArn) === group);
  if (lists(made.loadBalancers)) {
    return ["the target group is among the service's own load balancers: ECS would remove what the function registers, and replace the tasks"];
  }
  return lists(made.vpcLatticeConfigurations)
    ? ["the target group is among the service's own vpcLatticeConfigurations: ECS would remove what the function registers"]
    : [];
}

function resolved(scope: IConstruct, value: unknown): any {
  return Stack.of(scope).resolve(value);
}
