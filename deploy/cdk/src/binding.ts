import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';

/**
 * Tasks whose IPv6 addresses are registered in a target group: those of a service, or those of a family that runs in a cluster.
 */
export interface TargetGroupBinding {
  /**
   * The service whose tasks are registered. An imported one must know its cluster.
   * @default - the tasks of `family` in `cluster`
   */
  readonly service?: ecs.IBaseService;

  /**
   * The family of standalone tasks, in place of `service`. Needs `cluster`.
   * @default - the tasks of `service`
   */
  readonly family?: string;

  /**
   * The cluster of `family`.
   * @default - the cluster of `service`
   */
  readonly cluster?: ecs.ICluster;

  /**
   * A target group of target type ip and IP address type ipv6. It must not be among the service's own load balancers.
   * @default - the target group with `targetGroupArn`
   */
  readonly targetGroup?: elbv2.INetworkTargetGroup;

  /**
   * The ARN of a target group, in place of `targetGroup`: for one of VPC Lattice (`vpclattice.CfnTargetGroup.attrArn`), which needs `lattice`.
   * @default - the ARN of `targetGroup`
   */
  readonly targetGroupArn?: string;

  /**
   * The port on which the tasks serve.
   * @default - the target group's own port
   */
  readonly port?: number;

  /**
   * Whether deployments of the service keep old tasks, with `holdMinutes`.
   * @default true
   */
  readonly hold?: boolean;

  /**
   * The role by which the function reaches a target group of another account.
   * @default - the target group is in the function's account
   */
  readonly roleArn?: string;

  /**
   * What the function says to assume the role.
   * @default - nothing
   */
  readonly externalId?: string;

  /**
   * `all` for a target group in a peered VPC.
   * @default - the target group is in the tasks' VPC
   */
  readonly zone?: string;
}
