// Boxed calls into the ATen dispatcher: see fabula_torch.h.
#include "fabula_torch.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/csrc/api/include/torch/version.h>
#include <torch/types.h>

#include <sstream>
#include <string>
#include <vector>

namespace {

thread_local std::string last_error;

// Runs f; turns any C++ exception into -1 with a one-line reason (the first line: the rest is a C++ stack trace).
template <typename F>
int guarded(F&& f) {
    try {
        f();
        return 0;
    } catch (const c10::Error& e) {
        last_error = e.what_without_backtrace();
    } catch (const std::exception& e) {
        last_error = e.what();
    } catch (...) {
        last_error = "unknown C++ exception";
    }
    const auto cut = last_error.find("\nException raised from");
    if (cut != std::string::npos) last_error.resize(cut);
    return -1;
}

at::Tensor borrow(void* handle) {
    return at::Tensor(c10::intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>::reclaim_copy(static_cast<at::TensorImpl*>(handle)));
}

void* give(at::Tensor tensor) { return tensor.defined() ? tensor.unsafeReleaseTensorImpl() : nullptr; }

struct Operator {
    c10::OperatorHandle handle;
    std::string schema;
};

// A node of the autograd graph that asks the caller for its inputs' gradients.
struct CallbackNode final : torch::autograd::Node {
    int (*backward)(void*, void*, void**) = nullptr;
    void (*drop)(void*) = nullptr;
    void* context = nullptr;
    size_t inputs = 0;

    torch::autograd::variable_list apply(torch::autograd::variable_list&& grads) override {
        TORCH_CHECK(context, "this graph was already used and freed");
        std::vector<void*> handles(inputs, nullptr);
        TORCH_CHECK(backward(context, grads[0].unsafeGetTensorImpl(), handles.data()) == 0, "the backward of a checkpoint failed");
        torch::autograd::variable_list result;
        for (void* handle : handles) {
            result.push_back(handle ? borrow(handle) : at::Tensor());
            if (handle) ft_release(handle);
        }
        return result;
    }
    void release_variables() override {
        if (context) drop(context);
        context = nullptr;
    }
    ~CallbackNode() override { release_variables(); }
};

[[noreturn]] void mismatch(const Operator& op, const c10::Argument& argument, const char* given) {
    std::ostringstream message;
    message << "argument '" << argument.name() << "' of " << op.schema << " cannot take " << given;
    throw std::invalid_argument(message.str());
}

c10::TypePtr unwrap(const c10::TypePtr& type, bool& optional) {
    if (auto inner = type->cast<c10::OptionalType>()) {
        optional = true;
        return inner->getElementType();
    }
    return type;
}

c10::IValue to_ivalue(const Operator& op, const c10::Argument& argument, const ft_value& value) {
    bool optional = false;
    const auto type = unwrap(argument.type(), optional);
    const auto real = unwrap(argument.real_type(), optional);
    const auto kind = type->kind();
    switch (value.tag) {
        case FT_DEFAULT:
            if (argument.default_value()) return *argument.default_value();
            if (optional) return c10::IValue();
            mismatch(op, argument, "nothing: it has no default");
        case FT_NONE:
            if (!optional) mismatch(op, argument, "null");
            return c10::IValue();
        case FT_TENSOR:
            if (kind == c10::TypeKind::TensorType) return borrow(value.p);
            mismatch(op, argument, "a tensor");
        case FT_DTYPE:
            if (real->kind() != c10::TypeKind::ScalarTypeType) mismatch(op, argument, "a dtype");
            return value.i;
        case FT_INT:
            if (real->kind() == c10::TypeKind::ScalarTypeType) mismatch(op, argument, "an int (it is a dtype)");
            if (kind == c10::TypeKind::FloatType) return static_cast<double>(value.i);
            if (kind == c10::TypeKind::IntType || kind == c10::TypeKind::NumberType || kind == c10::TypeKind::SymIntType) return value.i;
            if (kind == c10::TypeKind::ListType) {
                c10::List<int64_t> list;
                for (int32_t i = 0, n = argument.N().value_or(1); i < n; i++) list.push_back(value.i);
                return list;
            }
            mismatch(op, argument, "an int");
        case FT_DOUBLE:
            if (kind == c10::TypeKind::FloatType || kind == c10::TypeKind::NumberType) return value.d;
            mismatch(op, argument, "a double");
        case FT_BOOL:
            if (kind == c10::TypeKind::BoolType) return value.i != 0;
            mismatch(op, argument, "a bool");
        case FT_INTS: {
            if (kind != c10::TypeKind::ListType) mismatch(op, argument, "a list of ints");
            c10::List<int64_t> list;
            list.reserve(value.n);
            for (int32_t i = 0; i < value.n; i++) list.push_back(static_cast<const int64_t*>(value.p)[i]);
            return list;
        }
        case FT_DOUBLES: {
            if (kind != c10::TypeKind::ListType) mismatch(op, argument, "a list of doubles");
            c10::List<double> list;
            for (int32_t i = 0; i < value.n; i++) list.push_back(static_cast<const double*>(value.p)[i]);
            return list;
        }
        case FT_TENSORS: {
            if (kind != c10::TypeKind::ListType) mismatch(op, argument, "a list of tensors");
            auto handles = static_cast<void* const*>(value.p);
            if (type->castRaw<c10::ListType>()->getElementType()->kind() == c10::TypeKind::OptionalType) {
                c10::List<c10::optional<at::Tensor>> list;
                for (int32_t i = 0; i < value.n; i++)
                    list.push_back(handles[i] ? c10::optional<at::Tensor>(borrow(handles[i])) : c10::nullopt);
                return list;
            }
            c10::List<at::Tensor> list;
            list.reserve(value.n);
            for (int32_t i = 0; i < value.n; i++) list.push_back(borrow(handles[i]));
            return list;
        }
        case FT_DEVICE:
            if (kind != c10::TypeKind::DeviceObjType) mismatch(op, argument, "a device");
            return c10::Device(static_cast<c10::DeviceType>(value.i >> 32), static_cast<c10::DeviceIndex>(static_cast<int32_t>(value.i)));
        case FT_STRING:
            if (kind != c10::TypeKind::StringType) mismatch(op, argument, "a string");
            return std::string(static_cast<const char*>(value.p), value.n);
        default:
            mismatch(op, argument, "an unknown tag");
    }
}

}  // namespace

extern "C" {

const char* ft_error(void) { return last_error.c_str(); }
const char* ft_version(void) { return TORCH_VERSION; }

const char* ft_cpu_capability(void) {
    static const std::string name = [] {
        const auto config = at::show_config();
        const std::string key = "CPU capability usage: ";
        const auto at = config.find(key);
        return at == std::string::npos ? std::string("unknown") : config.substr(at + key.size(), config.find('\n', at) - at - key.size());
    }();
    return name.c_str();
}

int ft_has_cuda(void) { return at::hasCUDA() ? static_cast<int>(at::detail::getCUDAHooks().getNumGPUs()) : 0; }

int ft_op_find(const char* name, const char* overload, void** op) {
    return guarded([&] {
        auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
        if (!handle) {
            std::ostringstream message;
            message << "this libtorch (" << TORCH_VERSION << ") has no operator " << name << (*overload ? "." : "") << overload;
            throw std::invalid_argument(message.str());
        }
        std::ostringstream schema;
        schema << handle->schema();
        *op = new Operator{*handle, schema.str()};
    });
}

const char* ft_op_schema(void* op) { return static_cast<Operator*>(op)->schema.c_str(); }

int ft_op_arg(void* op, const char* name) {
    const auto& arguments = static_cast<Operator*>(op)->handle.schema().arguments();
    for (size_t i = 0; i < arguments.size(); i++)
        if (arguments[i].name() == name) return static_cast<int>(i);
    return -1;
}

int ft_call(void* handle, const ft_value* args, int n, ft_value* outs, int capacity, int* count) {
    return guarded([&] {
        auto& op = *static_cast<Operator*>(handle);
        const auto& arguments = op.handle.schema().arguments();
        if (static_cast<size_t>(n) > arguments.size()) throw std::invalid_argument("too many arguments for " + op.schema);
        torch::jit::Stack stack;
        stack.reserve(arguments.size());
        const ft_value missing{FT_DEFAULT, 0, {0}};
        for (size_t i = 0; i < arguments.size(); i++)
            stack.push_back(to_ivalue(op, arguments[i], i < static_cast<size_t>(n) ? args[i] : missing));
        op.handle.callBoxed(stack);
        int k = 0;
        auto put = [&](int32_t tag) -> ft_value& {
            if (k >= capacity) throw std::length_error("more results than room for them: " + op.schema);
            outs[k] = ft_value{tag, 0, {0}};
            return outs[k++];
        };
        *count = 0;
        for (auto& result : stack) {
            if (result.isTensor()) {
                auto tensor = std::move(result).toTensor();
                auto& out = put(tensor.defined() ? FT_TENSOR : FT_NONE);
                out.p = give(std::move(tensor));
            } else if (result.isTensorList()) {
                for (const at::Tensor& tensor : result.toTensorVector()) put(FT_TENSOR).p = give(tensor);
            } else if (result.isInt()) {
                put(FT_INT).i = result.toInt();
            } else if (result.isDouble()) {
                put(FT_DOUBLE).d = result.toDouble();
            } else if (result.isBool()) {
                put(FT_BOOL).i = result.toBool();
            } else if (result.isNone()) {
                put(FT_NONE);
            } else {
                throw std::invalid_argument("a result of " + op.schema + " is of a kind that Fabula does not read");
            }
        }
        *count = k;
    });
}

void ft_retain(void* tensor) { c10::raw::intrusive_ptr::incref(static_cast<at::TensorImpl*>(tensor)); }
void ft_release(void* tensor) { c10::raw::intrusive_ptr::decref(static_cast<at::TensorImpl*>(tensor)); }

void ft_release_many(void** tensors, int n) {
    for (int i = 0; i < n; i++) ft_release(tensors[i]);
}

void ft_describe(void* handle, ft_meta* meta) {
    auto impl = static_cast<at::TensorImpl*>(handle);
    const auto tensor = borrow(handle);
    meta->numel = impl->numel();
    meta->dims = impl->dim();
    meta->sizes = impl->sizes().data();
    meta->strides = impl->strides().data();
    meta->data = tensor.has_storage() ? const_cast<void*>(static_cast<const void*>(tensor.data_ptr())) : nullptr;
    meta->dtype = static_cast<int32_t>(tensor.scalar_type());
    meta->device_type = static_cast<int32_t>(tensor.device().type());
    meta->device_index = tensor.device().index();
    meta->flags = (tensor.is_contiguous() ? 1 : 0) | (tensor.requires_grad() ? 2 : 0) | (tensor.is_leaf() ? 4 : 0);
}

int ft_from_blob(void* data, const int64_t* sizes, const int64_t* strides, int dims, int dtype, void (*release)(void*), void* context,
                 void** tensor) {
    return guarded([&] {
        const auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype));
        const at::IntArrayRef shape(sizes, dims);
        auto deleter = [release, context](void*) {
            if (release) release(context);
        };
        auto made = strides ? at::from_blob(data, shape, at::IntArrayRef(strides, dims), deleter, options)
                            : at::from_blob(data, shape, deleter, options);
        *tensor = give(std::move(made));
    });
}

int ft_set_requires_grad(void* tensor, int on) {
    return guarded([&] { borrow(tensor).requires_grad_(on != 0); });
}

int ft_grad(void* tensor, void** grad) {
    return guarded([&] { *grad = give(borrow(tensor).grad()); });
}

int ft_set_grad(void* tensor, void* grad) {
    return guarded([&] { borrow(tensor).mutable_grad() = grad ? borrow(grad) : at::Tensor(); });
}

int ft_backward(void* output, void* grad) {
    return guarded([&] {
        std::vector<at::Tensor> grads;
        if (grad) grads.push_back(borrow(grad));
        torch::autograd::backward({borrow(output)}, grads);
    });
}

int ft_custom(void** inputs, int n, void* output, int (*backward)(void*, void*, void**), void (*drop)(void*), void* context,
              void** result) {
    return guarded([&] {
        std::vector<at::Tensor> variables;
        for (int i = 0; i < n; i++) variables.push_back(borrow(inputs[i]));
        auto made = borrow(output).detach();
        auto node = std::shared_ptr<CallbackNode>(new CallbackNode, torch::autograd::deleteNode);
        node->backward = backward;
        node->drop = drop;
        node->context = context;
        node->inputs = static_cast<size_t>(n);
        node->set_next_edges(torch::autograd::collect_next_edges(variables));
        torch::autograd::set_history(made, node);
        *result = give(std::move(made));
    });
}

int ft_grad_enabled(void) { return c10::GradMode::is_enabled(); }
void ft_set_grad_enabled(int on) { c10::GradMode::set_enabled(on != 0); }

void ft_set_threads(int n) { at::set_num_threads(n); }
int ft_get_threads(void) { return at::get_num_threads(); }

int ft_synchronize(int device_type, int device_index) {
    return guarded([&] {
        if (device_type == static_cast<int>(c10::DeviceType::CUDA))
            at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(device_index));
    });
}
}
