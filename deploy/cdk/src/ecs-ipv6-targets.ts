import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { TargetGroupBinding } from './binding';
import { mistakesInApp, mistakesOf } from './checks';
import * as functions from './functions';
import * as patterns from './patterns';
import { EcsIpv6TargetsProps } from './props';
import * as statements from './statements';
import * as watching from './watching';

/**
 * Keeps IPv6 target groups of Network Load Balancers and of VPC Lattice in step with dual-stack ECS tasks: what template.yaml deploys, which also says why.
 */
export class EcsIpv6Targets extends Construct {
  /** The function. */
  public readonly function: lambda.Function;
  /** The function's role, to be trusted by roles of other accounts. */
  public readonly role: iam.Role;
  /** The function behind the status page, if there is a dashboard: for custom widgets of other dashboards. */
  public readonly page?: lambda.Function;
  /** Queue of the events to be processed. */
  public readonly queue: sqs.Queue;
  /** Events that failed; anything here needs attention. */
  public readonly deadLetterQueue: sqs.Queue;
  /** The alarms, for actions of your own. */
  public readonly alarms: cloudwatch.Alarm[];
  /** The role by which ECS invokes the function as a deployment lifecycle hook. */
  public readonly hookRole: iam.Role;

  constructor(scope: Construct, id: string, props: EcsIpv6TargetsProps) {
    super(scope, id);
    const mistakes = mistakesOf(props);
    if (mistakes.length) {
      throw new Error(`${this.node.path}: ${mistakes.join('; ')}`);
    }
    const bindings = props.bindings ?? [];
    const stack = Stack.of(this);
    const name = props.name ?? stack.stackName;
    const discovers = props.discover === 'tags';
    const holds = (props.holdMinutes ?? 0) > 0;
    this.node.addValidation({ validate: () => mistakesInApp(this, bindings) });

    const key = props.kmsKeyArn ? kms.Key.fromKeyArn(this, 'Key', props.kmsKeyArn) : undefined;
    [this.queue, this.deadLetterQueue] = this.queues(key);
    const logGroup = new logs.LogGroup(this, 'LogGroup', {
      logGroupName: `/aws/lambda/${name}`,
      retention: props.logRetentionDays ?? 30,
      removalPolicy: RemovalPolicy.DESTROY,
      encryptionKey: key,
    });
    const { queueArn } = this.queue;
    const { logGroupArn } = logGroup;
    const reach = { stack, bindings, discovers, holds, lattice: props.lattice ?? false, kmsKeyArn: props.kmsKeyArn, queueArn, logGroupArn };
    this.role = this.roleFor('Role', 'lambda.amazonaws.com', props, statements.ofFunction(reach));
    const pageRole = (props.dashboard ?? true) ? this.roleFor('PageRole', 'lambda.amazonaws.com', props, statements.ofPage(reach)) : undefined;
    this.connect(props, pageRole ? [this.role, pageRole] : [this.role]);
    this.function = functions.main(this, this.role, { props, logGroup, key });
    this.page = pageRole && functions.page(this, pageRole, { props, logGroup, key });
    this.deliver(bindings, discovers, holds, props.reconcileMinutes ?? 1);
    this.hookRole = this.roleFor('HookRole', 'ecs.amazonaws.com', props, {
      hook: [statements.allow('AskTheFunction', ['lambda:InvokeFunction'], [this.function.functionArn])],
    });

    const watched: watching.Watched = {
      name,
      functionName: this.function.functionName,
      queueName: this.queue.queueName,
      deadLetterQueueName: this.deadLetterQueue.queueName,
      stopRuleName: (this.node.findChild('StopRule') as events.CfnRule).ref,
      holds,
      reconcileMinutes: props.reconcileMinutes ?? 1,
      expectedUnowned: props.expectedUnowned ?? 0,
      runbookUrl: props.runbookUrl ?? 'docs/runbook.md',
      alarmTopicArn: props.alarmTopicArn,
    };
    this.alarms = watching.alarms(this, watched);
    if (this.page) {
      watching.dashboard(this, watched, this.alarms, this.page.functionArn);
    }
  }

  private queues(key?: kms.IKey): sqs.Queue[] {
    const encryption = key ? { encryptionMasterKey: key } : { encryption: sqs.QueueEncryption.SQS_MANAGED };
    const removalPolicy = RemovalPolicy.DESTROY;
    const deadLetterQueue = new sqs.Queue(this, 'DeadLetterQueue', { ...encryption, removalPolicy, retentionPeriod: Duration.days(14) });
    const queue = new sqs.Queue(this, 'Queue', {
      ...encryption,
      removalPolicy,
      retentionPeriod: Duration.days(4),
      visibilityTimeout: Duration.seconds(182),
      deadLetterQueue: { queue: deadLetterQueue, maxReceiveCount: 10 },
    });
    return [queue, deadLetterQueue];
  }

  private roleFor(id: string, service: string, props: EcsIpv6TargetsProps, policies: statements.Policies): iam.Role {
    const boundary = props.permissionsBoundary;
    return new iam.Role(this, id, {
      assumedBy: new iam.ServicePrincipal(service),
      path: props.rolePath ?? '/',
      permissionsBoundary: boundary ? iam.ManagedPolicy.fromManagedPolicyArn(this, `${id}Boundary`, boundary) : undefined,
      inlinePolicies: Object.fromEntries(Object.entries(policies).map(([name, of]) => [name, new iam.PolicyDocument({ statements: of })])),
    });
  }

  /** Lambda connects the functions to their VPC by their roles. */
  private connect(props: EcsIpv6TargetsProps, roles: iam.Role[]): void {
    if (props.subnetIds?.length) {
      const policy = new iam.ManagedPolicy(this, 'VpcPolicy', { path: props.rolePath ?? '/', statements: statements.ofVpc(Stack.of(this)) });
      roles.forEach((role) => role.addManagedPolicy(policy));
    }
  }

  /** The ways of events to the function; template.yaml says why each is as it is. */
  private deliver(bindings: TargetGroupBinding[], discovers: boolean, holds: boolean, minutes: number): void {
    const stack = Stack.of(this);
    const arn = this.function.functionArn;
    const retryPolicy = { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 2 };
    const rule = new events.CfnRule(this, 'Rule', {
      description: 'Sends events of ECS tasks that serve or begin to stop to the queue',
      eventPattern: patterns.ofEvents(stack, bindings, discovers),
      targets: [{ id: 'queue', arn: this.queue.queueArn, deadLetterConfig: { arn: this.deadLetterQueue.queueArn } }],
    });
    [this.queue, this.deadLetterQueue].forEach((queue) => admit(queue, rule.attrArn));
    new lambda.EventSourceMapping(this, 'TaskStateChanges', {
      target: this.function,
      eventSourceArn: this.queue.queueArn,
      batchSize: 1500,
      maxBatchingWindow: Duration.seconds(2),
      reportBatchItemFailures: true,
      maxConcurrency: 2,
    });
    const stops = new events.CfnRule(this, 'StopRule', {
      description: "Also sends the first event of a task's stop straight to the function",
      eventPattern: patterns.ofStops(stack, bindings, discovers),
      targets: [{ id: 'function', arn, retryPolicy, inputTransformer: { inputTemplate: '{"copy": "queued", "event": <aws.events.event.json>}' } }],
    });
    this.admit('Stop', stops);
    if (holds) {
      const deployments = new events.CfnRule(this, 'DeploymentRule', {
        description: 'Sends the beginning of a deployment to the function, which keeps old tasks until new targets are healthy',
        eventPattern: patterns.ofDeployments(stack, bindings, discovers),
        targets: [{ id: 'function', arn, retryPolicy }],
      });
      this.admit('Deployment', deployments);
    }
    const reconciles = new events.CfnRule(this, 'Reconcile', {
      description: 'Keeps target groups correct even if events were lost',
      scheduleExpression: events.Schedule.rate(Duration.minutes(minutes)).expressionString,
      targets: [{ id: 'function', arn }],
    });
    this.admit('Reconcile', reconciles);
  }

  /** Lets a rule invoke the function. */
  private admit(what: string, rule: events.CfnRule): void {
    const principal = new iam.ServicePrincipal('events.amazonaws.com');
    this.function.addPermission(`${what}Permission`, { principal, sourceArn: rule.attrArn, scope: this });
  }
}

/** Only the rule may send, and only over TLS. */
function admit(queue: sqs.Queue, ruleArn: string): void {
  const send = statements.allow('SendFromRule', ['sqs:SendMessage'], [queue.queueArn], { ArnEquals: { 'aws:SourceArn': ruleArn } });
  send.addServicePrincipal('events.amazonaws.com');
  const deny = statements.allow('DenyWithoutTls', ['sqs:*'], [queue.queueArn], { Bool: { 'aws:SecureTransport': 'false' } });
  deny.effect = iam.Effect.DENY;
  deny.addAnyPrincipal();
  queue.addToResourcePolicy(send);
  queue.addToResourcePolicy(deny);
}
