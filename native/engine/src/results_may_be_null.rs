use millrace_plan::{OperatorKind, Plan};

use crate::batch::nullable;

/// Lets what is made from results of windows be null, whatever its columns are declared as: an aggregate that is added to
/// a job has seen nothing of the windows that are open when its state is restored. What a function returns is checked.
pub fn let_results_be_null(plan: &mut Plan) {
    let mut follows: Vec<bool> = Vec::new();
    for operator in &mut plan.operators {
        let made_from_results = operator.inputs.iter().any(|&input| follows[input]);
        let may_be_null = match operator.kind {
            OperatorKind::WindowAggregate(_) => true,
            OperatorKind::Source(_) | OperatorKind::Function(_) => false,
            OperatorKind::Filter(_)
            | OperatorKind::Project(_)
            | OperatorKind::Union
            | OperatorKind::Deduplicate(_)
            | OperatorKind::BroadcastJoin(_)
            | OperatorKind::LookupJoin(_)
            | OperatorKind::Sink(_) => made_from_results,
        };
        if may_be_null {
            operator.schema = nullable(&operator.schema);
        }
        follows.push(may_be_null);
    }
}
