import { readFileSync } from 'fs';
import * as path from 'path';
import { Duration, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';

/** What is watched, and by whose names it is called. */
export interface Watched {
  readonly name: string;
  readonly functionName: string;
  readonly queueName: string;
  readonly deadLetterQueueName: string;
  readonly stopRuleName: string;
  readonly holds: boolean;
  readonly reconcileMinutes: number;
  readonly expectedUnowned: number;
  readonly runbookUrl: string;
  readonly alarmTopicArn?: string;
}

// Derived from template.yaml (deploy/derive.py).
const read = (file: string) => readFileSync(path.join(__dirname, file), 'utf8');

/** Seconds in which at least one reconcile is due. */
const period = (watched: Watched) => 60 * Math.max(watched.reconcileMinutes, 5);

/** The alarms, by the entry in the runbook that their names end with. */
export function alarms(scope: Construct, watched: Watched): cloudwatch.Alarm[] {
  const values: { [of: string]: string } = { function: watched.functionName, queue: watched.queueName, dead_letter_queue: watched.deadLetterQueueName };
  const rows: any[] = JSON.parse(read('alarms.json'));
  return rows
    .filter((row) => row.only !== 'hold' || watched.holds)
    .map((row) => {
      const metric = new cloudwatch.Metric({
        namespace: row.namespace,
        metricName: row.metric,
        dimensionsMap: { [row.dimension]: values[row.watched] },
        statistic: row.statistic,
        period: Duration.seconds(row.period === 'reconcile' ? period(watched) : row.period),
      });
      const alarm = new cloudwatch.Alarm(scope, `Alarm-${row.name}`, {
        alarmName: `${watched.name}-${row.name}`,
        alarmDescription: row.description.replace('RUNBOOK', watched.runbookUrl),
        metric,
        evaluationPeriods: row.periods,
        threshold: row.threshold === 'expected_unowned' ? watched.expectedUnowned : row.threshold,
        comparisonOperator: comparison(row.comparison),
        treatMissingData: row.missing,
      });
      if (watched.alarmTopicArn) {
        const actions = { bind: () => ({ alarmActionArn: watched.alarmTopicArn! }) };
        alarm.addAlarmAction(actions);
        alarm.addOkAction(actions);
      }
      return alarm;
    });
}

function comparison(name: string): cloudwatch.ComparisonOperator {
  return name === 'LessThanThreshold' ? cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD : cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD;
}

/** The dashboard of the template, with the status page by the function `page`. */
export function dashboard(scope: Construct, watched: Watched, shown: cloudwatch.Alarm[], page: string): cloudwatch.CfnDashboard {
  const { region } = Stack.of(scope);
  const values: { [name: string]: string } = {
    name: watched.name,
    region,
    function: watched.functionName,
    queue: watched.queueName,
    dead_letter_queue: watched.deadLetterQueueName,
    page,
    stop_rule: watched.stopRuleName,
    period: `${period(watched)}`,
    alarms: `[${shown.map((alarm) => `"${alarm.alarmArn}"`).join(', ')}]`,
    runbook: watched.runbookUrl !== 'docs/runbook.md'
      ? `[The runbook](${watched.runbookUrl}) says what to do.`
      : `\`${watched.runbookUrl}\` in the repository says what to do.`,
  };
  // Terraform's form of templates: ${NAME} is a value, $${ a literal ${.
  const dashboardBody = read('dashboard.json.tftpl').replace(/\$\$\{|\$\{(\w+)\}/g, (_, name?: string) => {
    if (name !== undefined && !(name in values)) {
      throw new Error(`the dashboard needs ${name}`);
    }
    return name === undefined ? '${' : values[name];
  });
  return new cloudwatch.CfnDashboard(scope, 'Overview', { dashboardName: `${watched.name}-${region}`, dashboardBody });
}
