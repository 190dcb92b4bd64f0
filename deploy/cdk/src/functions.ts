import { existsSync } from 'fs';
import * as path from 'path';
import { Duration, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { TargetGroupBinding } from './binding';
import { EcsIpv6TargetsProps } from './props';
import { groupArn } from './statements';

/** What both functions use. */
export interface Shared {
  readonly props: EcsIpv6TargetsProps;
  readonly logGroup: logs.ILogGroup;
  readonly key?: kms.IKey;
}

/** The function that everything goes to. */
export function main(scope: Construct, role: iam.Role, shared: Shared): lambda.Function {
  return make(scope, 'Function', role, shared, {
    description: 'Registers the IPv6 addresses of ECS tasks in target groups',
    memorySize: 128,
    timeout: Duration.seconds(30),
    reservedConcurrentExecutions: shared.props.reservedConcurrency,
    maxEventAge: Duration.seconds(60),
    retryAttempts: 0,
  });
}

/** The function behind the status page on the dashboard. Who may look there may invoke this one and not the other. */
export function page(scope: Construct, role: iam.Role, shared: Shared): lambda.Function {
  return make(scope, 'Page', role, shared, {
    description: 'Shows what the function serves, on the dashboard',
    memorySize: 256, // people wait for it
    timeout: Duration.seconds(20),
  });
}

function make(scope: Construct, id: string, role: iam.Role, { props, logGroup, key }: Shared, own: Partial<lambda.FunctionProps>): lambda.Function {
  const architecture = props.architecture ?? 'arm64';
  const made = new lambda.Function(scope, id, {
    ...own,
    code: props.code ?? released(architecture),
    handler: 'bootstrap',
    runtime: lambda.Runtime.PROVIDED_AL2023,
    architecture: architecture === 'arm64' ? lambda.Architecture.ARM_64 : lambda.Architecture.X86_64,
    // The role is complete: nothing adds to it.
    role: role.withoutPolicyUpdates(),
    environment: environment(scope, props),
    environmentEncryption: key,
    loggingFormat: lambda.LoggingFormat.JSON,
    applicationLogLevelV2: (props.logLevel ?? 'INFO') as lambda.ApplicationLogLevel,
    logGroup,
  });
  if (props.subnetIds?.length) {
    const { subnetIds, securityGroupIds } = props;
    const resource = made.node.defaultChild as lambda.CfnFunction;
    resource.vpcConfig = { subnetIds, securityGroupIds, ipv6AllowedForDualStack: props.useDualStackEndpoints ?? false };
  }
  return made;
}

function environment(scope: Construct, props: EcsIpv6TargetsProps): { [name: string]: string } {
  const bindings = props.bindings ?? [];
  return {
    BINDINGS: bindings.length ? Stack.of(scope).toJsonString(bindings.map(asText)) : '',
    ...(props.discover ? { DISCOVER: props.discover } : {}),
    PRUNE: props.prune ?? 'proven',
    DRY_RUN: `${props.dryRun ?? false}`,
    HOLD_MINUTES: `${props.holdMinutes ?? 0}`,
    AWS_USE_DUALSTACK_ENDPOINT: `${props.useDualStackEndpoints ?? false}`,
  };
}

/** A binding as the function reads it from BINDINGS. */
function asText(binding: TargetGroupBinding): object {
  const { service, family, port, hold, roleArn, externalId, zone } = binding;
  const cluster = (service ?? binding).cluster!.clusterArn;
  return { cluster, service: service?.serviceName, family, targetGroupArn: groupArn(binding), port, hold, roleArn, externalId, zone };
}

function released(architecture: string): lambda.Code {
  const file = path.join(__dirname, '..', `bootstrap-${architecture}.zip`);
  if (!existsSync(file)) {
    throw new Error(`this package holds no bootstrap-${architecture}.zip, as only released ones do; give code`);
  }
  return lambda.Code.fromAsset(file);
}
