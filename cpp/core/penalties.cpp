#include "penalties.hpp"

namespace lamella {
namespace {

/// Calls work(rows) with a member's rows of an elementwise penalty, or with all of them for whom takes the whole weight.
template <class R, class Work>
void share_rows(Member member, const R&, Index rows, std::size_t number, const Work& work) {
    if constexpr (ElementwiseRegularizer<R>) {
        if (const Range mine = member.share(rows); mine.count() > 0) work(mine);
    } else if (static_cast<int>(number) % member.size == member.rank) {
        work(Range{0, rows});
    }
}

/// A rule for a weight, as a rule for the matrix that lies there.
template <class Rule>
Rule as_it_lies(const Slot& slot, Rule rule) {
    if (slot.transposed)
        std::visit(
            [](auto& r) {
                if constexpr (requires { r.axis; }) r.axis = 1 - r.axis;
                if constexpr (requires { r.mode; }) r.mode = r.mode == "rows" ? "columns" : "rows";
            },
            rule);
    return rule;
}

}  // namespace

void Penalties::regularize(const Slot& slot, const Regularizer& given) {
    const Regularizer regularizer = as_it_lies(slot, given);
    const Index scratch = std::visit([&](const auto& r) { return r.scratch_size(slot.rows, slot.cols); }, regularizer);
    regularized_.push_back({slot, regularizer, values_.size(), Buffer(scratch)});
    values_.resize(values_.size() + static_cast<std::size_t>(slot.rows));
}

void Penalties::constrain(const Slot& slot, const Constraint& constraint) {
    constrained_.push_back({slot, as_it_lies(slot, constraint)});
}

void Penalties::measure(const Team& team, const Arena& params) {
    if (!regularizes()) return;
    team.phase([&](Member member) {
        for (std::size_t i = 0; i < regularized_.size(); ++i) {
            const Slot& slot = regularized_[i].slot;
            const ConstPanels w = params[slot];
            double* values = values_.data() + regularized_[i].first_value;
            Scalar* const scratch = regularized_[i].scratch.data();
            std::visit(
                [&]<class R>(const R& penalty) {
                    share_rows(member, penalty, slot.rows, i, [&](Range rows) {
                        if constexpr (ElementwiseRegularizer<R>) {
                            std::fill(values + rows.first, values + rows.last, 0.0);
                            for (Index p = 0; p < w.count(); ++p)
                                for (Index r = rows.first; r < rows.last; ++r) values[r] += penalty.value(w[p].middle_rows(r, 1));
                        } else {
                            values[0] = penalty.value(w, scratch);
                        }
                    });
                },
                regularized_[i].regularizer);
        }
    });
}

double Penalties::total() const {
    double total = 0;
    for (const double value : values_) total += value;
    return total;
}

void Penalties::add_gradients(const Team& team, const Arena& params, const Arena& gradients, Scalar factor) const {
    if (!regularizes()) return;
    team.phase([&](Member member) {
        for (std::size_t i = 0; i < regularized_.size(); ++i) {
            const Slot& slot = regularized_[i].slot;
            std::visit(
                [&]<class R>(const R& penalty) {
                    share_rows(member, penalty, slot.rows, i, [&](Range rows) {
                        const Panels w = params[slot], g = gradients[slot];
                        if constexpr (ElementwiseRegularizer<R>)
                            for (Index p = 0; p < w.count(); ++p)
                                penalty.add_gradient(w[p].middle_rows(rows.first, rows.count()), factor,
                                                     g[p].middle_rows(rows.first, rows.count()));
                        else
                            penalty.add_gradient(w, factor, g, regularized_[i].scratch.data());
                    });
                },
                regularized_[i].regularizer);
        }
    });
}

void Penalties::constrain(const Team& team, const Arena& params) const {
    if (!constrains()) return;
    team.phase([&](Member member) {
        for (const Constrained& constrained : constrained_)
            std::visit(
                [&](const auto& rule) {
                    const Panels w = params[constrained.slot];
                    const bool by_columns = rule.along() == Along::columns;
                    if (by_columns)
                        for_panels(member.share(w.cols, kLanes), w.width, [&](Range cols) {
                            rule.apply(one_panel(w.middle_cols(cols)), {0, w.rows});
                        });
                    else
                        rule.apply(w, member.share(w.rows));
                },
                constrained.constraint);
    });
}

}  // namespace lamella
