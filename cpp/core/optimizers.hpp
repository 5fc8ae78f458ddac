/// All optimizers: a spec that Python fills in, and with_rule(), which runs something with the rule that it stands for.
#pragma once

#include <variant>

#include "optimizers/adagrad.hpp"
#include "optimizers/adam.hpp"
#include "optimizers/adamax.hpp"
#include "optimizers/ftrl.hpp"
#include "optimizers/rmsprop.hpp"
#include "optimizers/sgd.hpp"

namespace lamella {

using Optimizer = std::variant<SGD, RMSprop, Adam, AdamW, Adagrad, Adadelta, Adamax, Nadam, Ftrl, Lion>;

}  // namespace lamella
