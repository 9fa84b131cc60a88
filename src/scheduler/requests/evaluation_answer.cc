#include "scheduler/evaluations.h"
#include "scheduler/requests/handlers.h"

namespace aiflow {

void Handle(Draft& draft, const EvaluationAnswer& request) {
  draft.SetIsAnswer();
  OnAnswer(draft, request);
}

}  // namespace aiflow
